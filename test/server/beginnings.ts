import { expect, vi } from 'vitest';
import type { Embedded } from '../../lib/server/embedded.ts';

/** Archives the trails, and waits until `_system` names them: a log records that by itself, and only then is `_system` at rest. */
export async function beginningsOf(
  { ledger, archiver }: Pick<Embedded, 'ledger' | 'archiver'>,
  ...trails: readonly string[]
): Promise<void> {
  for (const trail of trails) await archiver.run(trail, { force: true });
  const recorded = async (): Promise<void> => {
    const blocks = await Array.fromAsync(ledger.blocks('_system', { from: 0, to: 10_000 }));
    const events = blocks.flatMap(({ lines }) => lines.map((line) => JSON.parse(line).event));
    const named = events.filter(({ type }) => type === 'trail.began').map(({ resource }) => resource.id);
    expect(named).toEqual(expect.arrayContaining([...trails]));
  };
  await vi.waitFor(recorded, { interval: 10, timeout: 10_000 });
}
