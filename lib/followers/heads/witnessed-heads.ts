import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import type { WitnessedHead } from '../../contract/witnessed-head.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { provenConsistency, provenInclusion, type SignedRoot } from '../../ledger/tree/proven.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { toBase64 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash } from '../../log/hash.ts';
import { parseNote } from '../../log/note.ts';
import type { NodeReader } from '../../log/tree.ts';
import type { Table } from '../../store/ports.ts';
import { readWitnessState } from '../witnesses/witness-state.ts';
import { readStated, type StatedHead } from './head-watermark.ts';

/** The sources of cosigned heads. */
export interface WitnessedHeadSources {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'record' | 'exactCheckpoint'>;
  readonly nodes: (trail: string) => NodeReader;
}

/**
 * The way from a checkpoint to the newest cosigned head that covers it.
 *
 * @param from the checkpoint's size; undefined: from the cosigned head itself
 * @throws `not_witnessed` if no cosigned head covers it yet, or the log has no witnesses; `not_found` for a size without a
 *   checkpoint; `store_corrupt`; the Table's errors
 */
export async function witnessedHead(
  { table, ledger, nodes }: WitnessedHeadSources,
  trail: string,
  from: number | undefined,
): Promise<WitnessedHead> {
  const { size: witnessed, note } = await readWitnessState(table);
  if (note === undefined) throw notWitnessed('no witnesses have cosigned the heads of this log');
  const heads = { ...parseCheckpoint(parseNote(note).text), note };
  const stated = trail === HEADS_TRAIL ? undefined : await coveredHead(table, trail, witnessed);
  const newer = stated === undefined ? heads : await checkpointAt(ledger, trail, stated.size);
  const start = from ?? newer.size;
  if (start > newer.size) {
    throw notWitnessed(`witnesses have cosigned a head of ${newer.size} records of ${trail}: try again in a minute`);
  }
  const older = start === newer.size ? newer : await checkpointAt(ledger, trail, start);
  const proof = await provenConsistency(nodes(trail), older, newer);
  return {
    format: 'sealtrail-witnessed/1',
    ...{ trail, from: start },
    proof: proof.map(toBase64),
    checkpoint: newer.note,
    ...(stated !== undefined && { statement: await findStatement(ledger, nodes, stated, heads) }),
    heads: note,
  };
}

/** The newest statement of a trail that the cosigned checkpoint covers. */
async function coveredHead(table: Table, trail: string, witnessed: number): Promise<StatedHead> {
  const { newest, covered } = await readStated(table, trail);
  for (const head of [newest, covered]) if (head !== undefined && head.seq < witnessed) return head;
  throw notWitnessed(`witnesses have not cosigned a head of ${trail} yet: try again in a minute`);
}

async function findStatement(
  ledger: WitnessedHeadSources['ledger'],
  nodes: WitnessedHeadSources['nodes'],
  { seq }: StatedHead,
  heads: SignedRoot,
): Promise<NonNullable<WitnessedHead['statement']>> {
  const line = await ledger.record(HEADS_TRAIL, seq);
  if (line === undefined) throw new SealtrailError('store_corrupt', `record ${seq} of ${HEADS_TRAIL} is missing`);
  const proof = await provenInclusion(nodes(HEADS_TRAIL), leafHash(line), seq, heads);
  return { line, proof: proof.map(toBase64) };
}

async function checkpointAt(ledger: WitnessedHeadSources['ledger'], trail: string, size: number) {
  const stored = await ledger.exactCheckpoint(trail, size);
  if (stored === undefined) throw new SealtrailError('not_found', `trail ${trail} has no checkpoint of size ${size}`);
  return { ...parseCheckpoint(parseNote(stored.note).text), note: stored.note };
}

const notWitnessed = (message: string): SealtrailError => new SealtrailError('not_witnessed', message);
