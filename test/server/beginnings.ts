import { expect, vi } from 'vitest';
import type { Ledger } from '../../lib/ledger/ledger.ts';

/** Waits until `_system` names the trails: a log records that beside its appends, and only then is `_system` at rest. */
export async function beginningsOf(
  { ledger }: { readonly ledger: Ledger },
  ...trails: readonly string[]
): Promise<void> {
  const recorded = async (): Promise<void> => {
    const blocks = await Array.fromAsync(ledger.blocks('_system', { from: 0, to: 10_000 }));
    const events = blocks.flatMap(({ lines }) => lines.map((line) => JSON.parse(line).event));
    const named = events.filter(({ type }) => type === 'trail.began').map(({ resource }) => resource.id);
    expect(named).toEqual(expect.arrayContaining([...trails]));
  };
  await vi.waitFor(recorded, { interval: 10, timeout: 10_000 });
}
