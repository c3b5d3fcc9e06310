import { wireLog } from '../../app/log.ts';
import { readLegalHold, takeLegalHoldStep } from '../../followers/legal-hold/legal-hold-state.ts';
import type { Block } from '../../ledger/items/block.ts';
import { withFormat } from '../../ledger/items/format.ts';
import { CURSOR_SECRET_KEY, checkpointKey, MASK_SECRET_KEY, sortableNumber } from '../../ledger/items/layout.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { parseRecord } from '../../log/record.ts';
import { importRecords } from '../../rebuild/import-records.ts';
import type { Objects, Table } from '../../store/ports.ts';
import type { ArchivedLine } from '../../verify/evidence/segments.ts';

/** The outcome for a trail's records that only the former database holds. */
export interface Carried {
  readonly trail: string;
  /** Records `from` to `to - 1` of it. */
  readonly from: number;
  readonly to: number;
  /** `taken`: they follow the archived records, and are in the new database. `left`: they are of another history. */
  readonly became: 'taken' | 'left';
}

interface Databases {
  readonly former: Table;
  readonly table: Table;
  readonly objects: Objects;
  readonly logName: string;
}

/** Takes over from the former database what the archive does not hold: secrets, and records that follow the archived ones. */
export async function carryOver({ former, table, objects, logName }: Databases): Promise<readonly Carried[]> {
  for (const key of [MASK_SECRET_KEY, CURSOR_SECRET_KEY]) {
    const item = await former.get(key);
    if (item !== undefined) await table.transact([{ put: item }]);
  }
  const ledgerOf = (on: Table): Ledger =>
    wireLog({ table: on, objects, signers: [] }, { logName, signs: false }).ledger;
  const [before, now] = [ledgerOf(former), ledgerOf(table)];
  const carried: Carried[] = [];
  for await (const trail of before.trails()) {
    await carryHold(former, table, trail);
    const [size, to] = [(await now.head(trail))?.size ?? 0, (await before.head(trail))?.size ?? 0];
    const isSame = async (seq: number): Promise<boolean> =>
      (await now.record(trail, seq)) === (await before.record(trail, seq));
    if (size > 0 && !(await isSame(Math.min(size, to) - 1))) {
      carried.push({ trail, from: await firstOther(isSame, Math.min(size, to) - 1), to, became: 'left' });
    } else if (to > size) {
      for await (const at of checkpointsOf(former, trail, size + 1)) await table.transact([{ put: at }]);
      const lines = linesOf(before.blocks(trail, { from: size, to }), size);
      await importRecords(table, trail, lines, { size: to, now: Date.now() });
      carried.push({ trail, from: size, to, became: 'taken' });
    }
  }
  return carried;
}

/** A legal hold as the former database knows it. Orders that are newer in `_system` come after it. */
async function carryHold(former: Table, table: Table, trail: string): Promise<void> {
  const { watermark, ...hold } = await readLegalHold(former, trail);
  const state = await readLegalHold(table, trail);
  if (watermark.revision > 0 && state.since < hold.since) {
    await takeLegalHoldStep(table, state, { ...hold, pass: 0, cursor: '', objects: 0 });
  }
}

/** The first record that differs: each names the hash of the one before, so after it all do. */
async function firstOther(isSame: (seq: number) => Promise<boolean>, other: number): Promise<number> {
  let [low, high] = [0, other];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isSame(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function* checkpointsOf(table: Table, trail: string, from: number) {
  const { partition } = checkpointKey(trail, from);
  for await (const { sort, attributes } of table.query({ partition, from: sortableNumber(from) })) {
    yield { partition, sort, attributes: withFormat('checkpoint', attributes) };
  }
}

async function* linesOf(
  blocks: AsyncIterable<Block>,
  from: number,
): AsyncGenerator<readonly ArchivedLine[], void, void> {
  for await (const { lines } of blocks) {
    yield lines.map((line) => ({ line, record: parseRecord(line) })).filter(({ record }) => record.seq >= from);
  }
}
