/**
 * Distinct events ready to be appended: `{"id":"e-<name>-<n>",…}` in canonical JSON.
 *
 * @example
 * await ledger.append({ trail: 'orders', submitter: 'shop', events: sampleEvents('first', 3) });
 */
export function sampleEvents(name: string, count: number): { id: string; json: string }[] {
  return Array.from({ length: count }, (_, n) => {
    const id = `e-${name}-${n}`;
    return { id, json: `{"id":"${id}","severity":"info","type":"data.update"}` };
  });
}
