import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Attribute, Item } from '../../../lib/store/ports.ts';
import { TRAIL } from '../../ledger/fixture.ts';
import { runs } from '../../runs.ts';
import { archived, type World } from './verified-world.ts';

/** What says nothing of a record: a writer's name for its own commit, and a bound on what a reader unpacks. */
const MEANINGLESS = ['commit', 'rawBytes'];

function edited(value: Attribute, at: number, by: number): Attribute {
  if (typeof value === 'number') return value + by;
  if (typeof value === 'string') {
    const index = at % value.length;
    const other = String.fromCharCode(33 + ((value.charCodeAt(index) - 33 + by + 94) % 94));
    return value.slice(0, index) + other + value.slice(index + 1);
  }
  const copy = Uint8Array.from(value);
  const index = at % copy.length;
  copy[index] = (copy[index] ?? 0) ^ by;
  return copy;
}

async function lines({ ledger }: World): Promise<string[]> {
  const all: string[] = [];
  for await (const block of ledger.blocks(TRAIL, { from: 0, to: 700 })) all.push(...block.lines);
  return all;
}

it('no single edit of a block, a head or a checkpoint is called ok, unless every record reads as before', async () => {
  const made = await archived();
  const { table, verifier } = made;
  const before = await lines(made);
  const places: { item: Item; name: string }[] = [];
  for (const kind of ['block', 'head', 'checkpoint']) {
    for await (const item of table.query({ partition: `${kind}/${TRAIL}` })) {
      for (const name of Object.keys(item.attributes)) if (!MEANINGLESS.includes(name)) places.push({ item, name });
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(places.length - 1), fc.nat(), fc.integer({ min: 1, max: 93 }), async (place, at, by) => {
      const { item, name } = places[place] ?? {};
      const value = item?.attributes[name ?? ''];
      if (item === undefined || name === undefined || value === undefined) throw new Error('no such place');
      await table.transact([{ put: { ...item, attributes: { ...item.attributes, [name]: edited(value, at, by) } } }]);
      const damaged = await verifier.verify(TRAIL, 'full');
      // A few bits of a compressed body mean nothing: the same bytes come out.
      const isSame =
        damaged.verdict === 'ok' && name === 'body' && (await lines(made)).join('\n') === before.join('\n');
      await table.transact([{ put: item }]);
      if (isSame) return;
      expect(damaged.verdict, `${item.partition}/${item.sort} ${name}`).toBe('damaged');
    }),
    runs(50),
  );
  expect(await verifier.verify(TRAIL, 'full')).toMatchObject({ verdict: 'ok', problems: [] });
});
