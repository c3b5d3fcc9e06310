import { ArchivedRecords } from '../ledger/archived-records.ts';
import type { Head } from '../ledger/head.ts';
import { checkpointPartition } from '../ledger/layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openCheckpoint } from '../log/checkpoint.ts';
import { SealtrailError } from '../log/error.ts';
import { frontierRoot } from '../log/frontier.ts';
import { sameBytes } from '../log/hash.ts';
import { verifierFromSpki } from '../log/note.ts';
import type { Objects, Table } from '../store/ports.ts';
import { readArchiveState } from './archive-state.ts';
import { VerificationFindings, type VerificationMode, type VerificationReport } from './verification.ts';
import { compareCheckpoints, TileComparison } from './verification-archive.ts';
import type { RetiredKey, Signatories } from './verification-checkpoint.ts';
import { ExpiryRules } from './verification-expiry.ts';
import { EMPTY_MARK, readMark, TRAIL_START, type VerifiedPlace } from './verification-mark.ts';
import { BlockScan } from './verification-scan.ts';
import { demandTime, walkLedger } from './verification-walk.ts';

/** What a ledger is verified with. */
export interface VerificationStores {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'head' | 'origin' | 'verifiers' | 'exactCheckpoint'>;
  /** Keys that signed once. @default none */
  readonly retired?: readonly RetiredKey[];
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** What came of it: what to tell, and where the next one may go on. */
export interface Verified {
  readonly report: VerificationReport;
  /** Undefined unless the verdict is `ok`. */
  readonly place: VerifiedPlace | undefined;
  /** Whether what the verifier remembered was itself damaged. */
  readonly markIsDamaged: boolean;
}

/**
 * Verifies a trail's hot ledger against itself and against its archive. It writes nothing.
 *
 * @returns undefined where there is no such trail
 * @throws `unavailable` when the signal interrupts it; the errors of the stores, `store_corrupt` not among them
 */
export async function verifyTrail(
  stores: VerificationStores,
  trail: string,
  mode: VerificationMode,
  signal?: AbortSignal,
): Promise<Verified | undefined> {
  const startedAt = stores.now();
  const findings = new VerificationFindings();
  const notLookedAt: string[] = [];
  const signatories = await signatoriesOf(stores, trail);
  // The head comes last: what is appended meanwhile cannot make it look too small.
  const mark = await orDamage(readMark(stores.table, trail), 'watermark_damaged', findings);
  const remembered = (mark ?? EMPTY_MARK).place;
  const markHolds = await placeHolds(stores, trail, remembered, signatories, findings);
  const archive = await orDamage(readArchiveState(stores.table, trail), 'watermark_damaged', findings);
  const signed = await newestSigned(stores.table, trail);
  const head = await orDamage(stores.ledger.head(trail), 'head_mismatch', findings);
  const size = head?.size ?? 0;
  const known = Math.max(signed, remembered.size, archive?.size ?? 0);
  if (head === undefined && known === 0 && findings.count === 0) return undefined;
  if (size < known) {
    const message = `the head is at ${size}, but the trail has been at ${known}`;
    findings.add({ kind: 'rolled_back', seq: size, message });
  }
  const goesOn = mode === 'incremental' && markHolds && remembered.size <= size;
  const start = goesOn ? remembered : TRAIL_START;
  const archivedTo = Math.min(archive?.size ?? 0, size);
  const archivedFrom = Math.min(start.archivedTo, archivedTo);
  const compare = { ...stores, trail, from: archivedFrom, to: archivedTo, findings, signal };
  const tiles = new TileComparison(compare);
  const archived = new ArchivedRecords(stores);
  const expiry = new ExpiryRules(stores.table, trail, stores.now);
  const scan = new BlockScan({ table: stores.table, archive: archived, expiry }, trail, findings);
  let newest: Omit<VerifiedPlace, 'archivedTo'> = start;
  if (head !== undefined) {
    await compareEarlier(scan, tiles, start.size, findings, signal);
    const onLeaves = tiles.add.bind(tiles);
    const walk = {
      table: stores.table,
      trail,
      scan,
      start,
      head,
      signatories,
      findings,
      notLookedAt,
      onLeaves,
      signal,
    };
    newest = (await walkLedger(walk)) ?? start;
  }
  await tiles.finish();
  await compareCheckpoints(compare);
  notLookedAt.push(...leftOut(start.size, newest.size, head, tiles.end));
  const isOk = findings.count === 0;
  const report: VerificationReport = {
    trail,
    mode,
    verdict: isOk ? 'ok' : 'damaged',
    from: start.size,
    to: size,
    archivedFrom,
    archivedTo,
    expired: scan.expired,
    problems: findings.problems,
    moreProblems: findings.count - findings.problems.length,
    notLookedAt,
    ...(newest.size === 0 ? {} : { checkpoint: { size: newest.size, note: newest.note } }),
    startedAt,
    ms: stores.now() - startedAt,
  };
  const place = isOk ? { ...newest, archivedTo } : undefined;
  return { report, place, markIsDamaged: mark === undefined || !markHolds };
}

async function signatoriesOf({ ledger, retired = [] }: VerificationStores, trail: string): Promise<Signatories> {
  const origin = ledger.origin(trail);
  return {
    origin,
    current: await ledger.verifiers(trail),
    retired: retired.map(({ spki, ends }) => ({ verifier: verifierFromSpki(origin, spki), to: ends[trail] ?? 0 })),
  };
}

/** What was read; undefined, and a finding, where what stands there is damaged. */
async function orDamage<T>(
  reading: Promise<T>,
  kind: 'watermark_damaged' | 'head_mismatch',
  findings: VerificationFindings,
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
    findings.add({ kind, message: error.message });
    return undefined;
  }
}

/** Whether a remembered place is one that the log signed, and the ledger still has the checkpoint. */
async function placeHolds(
  { ledger }: VerificationStores,
  trail: string,
  { size, note, frontier }: VerifiedPlace,
  { origin, current, retired }: Signatories,
  findings: VerificationFindings,
): Promise<boolean> {
  if (size === 0) return true;
  const stored = await orDamage(ledger.exactCheckpoint(trail, size), 'watermark_damaged', findings);
  if (stored === undefined) {
    findings.add({ kind: 'missing_checkpoint', seq: size, message: 'the last verified checkpoint is gone' });
  } else if (stored.note !== note) {
    const message = 'the last verified checkpoint is not the one that was verified';
    findings.add({ kind: 'checkpoint_mismatch', seq: size, message });
  }
  try {
    const verifiers = [...current, ...retired.filter(({ to }) => size <= to).map(({ verifier }) => verifier)];
    const checkpoint = openCheckpoint(note, origin, verifiers);
    if (checkpoint.size === size && sameBytes(checkpoint.root, frontierRoot(frontier))) return true;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
  }
  const message = 'the place up to which the trail was verified is not one that the log signed';
  findings.add({ kind: 'watermark_damaged', seq: size, message });
  return false;
}

/** The size of the newest stored checkpoint, whatever is in it. */
async function newestSigned(table: Table, trail: string): Promise<number> {
  for await (const { sort } of table.query({ partition: checkpointPartition(trail), order: 'descending', limit: 1 })) {
    return Number.isSafeInteger(Number(sort)) ? Number(sort) : 0;
  }
  return 0;
}

/** Compares what was verified before it was archived. */
async function compareEarlier(
  scan: BlockScan,
  tiles: TileComparison,
  before: number,
  findings: VerificationFindings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = Math.min(before, tiles.end);
  let next = tiles.first;
  for await (const scanned of scan.blocks(tiles.first, end)) {
    demandTime(signal);
    if ('problem' in scanned) {
      findings.add(scanned.problem);
      if (scanned.problem.seq !== undefined) next = Number.NaN;
      continue;
    }
    const { first, count, leaves } = scanned.block;
    if (first > next) findings.add({ kind: 'missing_records', seq: next, message: `the next record is ${first}` });
    next = first + count;
    await tiles.add(first, leaves.slice(0, Math.max(0, before - first)));
  }
  if (next < end) findings.add({ kind: 'missing_records', seq: next, message: `records are missing from ${next} on` });
}

/** What an `ok` does not speak of. */
function leftOut(from: number, signed: number, head: Head | undefined, compared: number): string[] {
  if (head === undefined) return ['the records: there is no head that says how many there are'];
  const { size } = head;
  return [
    ...(from > 0 ? [`records 0 to ${from - 1} of the ledger, which an earlier verification looked at`] : []),
    ...(signed < size ? [`records ${signed} to ${size - 1} are under no checkpoint that was found right yet`] : []),
    ...(compared < size
      ? [`records ${compared} to ${size - 1} in the archive: no full tile there holds them yet`]
      : []),
    'the archive’s record files, bundles, partial tiles and tiles above level 0: sealtrail verify reads them',
  ];
}
