import { defined } from '../../base/defined.ts';
import type {
  VerificationMode,
  VerificationReport,
  VerificationRequest,
  VerifiedRange,
} from '../../contract/verification.ts';
import { readArchiveState } from '../../followers/archive/archive-state.ts';
import { ExpiryRules } from '../../followers/expiry/expiry-rules.ts';
import type { RetiredKey } from '../../keys/retired-key.ts';
import { ArchivedRecords } from '../../ledger/archived-records.ts';
import { isUnreadable } from '../../ledger/items/format.ts';
import type { Head } from '../../ledger/items/head.ts';
import { checkpointPartition, sortableNumber } from '../../ledger/items/layout.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { openCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { frontierRoot } from '../../log/frontier.ts';
import { sameBytes } from '../../log/hash.ts';
import { verifierFromSpki } from '../../log/note.ts';
import type { Objects, Table } from '../../store/ports.ts';
import { compareCheckpoints, TileComparison } from './compare-archive.ts';
import { VerificationFindings } from './ledger-report.ts';
import type { Signatories } from './stored-checkpoint.ts';
import { EMPTY_MARK, readMark, TRAIL_START, type VerifiedPlace } from './verification-mark.ts';
import { assertRange, startAt, stretchAround, within } from './verification-range.ts';
import { BlockScan } from './verification-scan.ts';
import { assertTime, type WalkStart, walkLedger } from './verification-walk.ts';
import { reportOf, type VerifiedPart } from './verified-part.ts';

/** The dependencies of a ledger's verification. */
export interface VerificationStores {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'head' | 'origin' | 'verifiers' | 'exactCheckpoint' | 'blocks'>;
  /** Keys that signed once. @default none */
  readonly retired?: () => Promise<readonly RetiredKey[]>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * A part of a verification of more than one run can do: the records `from` to `to - 1`, under the first checkpoint that covers them.
 * With an end beyond the trail's it goes to the head, and looks at that.
 */
export interface VerificationStretch {
  readonly stretch: { readonly from: number; readonly to: number };
  /** True if what the archive has beyond its end is looked at, too. */
  readonly isLast: boolean;
}

/** How a verification is watched while it runs, and how far it goes. */
export interface VerificationCourse {
  /** Interrupts it. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then: records before `at` were looked at, of `of`. Must not throw. */
  readonly onProgress?: (at: number, of: number) => void;
  /** An incremental one ends at the first checkpoint after so many records. @default at the head */
  readonly records?: number;
}

/** The result: the report, and where the next run may continue. */
export interface Verified {
  readonly report: VerificationReport;
  /** Undefined where anything but a time is wrong, and of a range. */
  readonly place: VerifiedPlace | undefined;
  /** True if what the verifier remembered was itself damaged. */
  readonly markIsDamaged: boolean;
  /** True if records are left that the limit kept it from. */
  readonly isPartial: boolean;
  /** The same as a part, to be joined with what other runs have found. */
  readonly part: VerifiedPart;
}

/**
 * Verifies a trail's hot ledger against itself and against its archive. It writes nothing.
 *
 * @returns undefined where there is no such trail
 * @throws `invalid_parameter` naming `from` or `to` for a range that the trail does not have; `unavailable` when the
 *   signal interrupts it; the errors of the stores, `store_corrupt` not among them
 */
export async function verifyTrail(
  stores: VerificationStores,
  trail: string,
  request: VerificationRequest | VerificationStretch,
  { signal, onProgress, records = Number.POSITIVE_INFINITY }: VerificationCourse = {},
): Promise<Verified | undefined> {
  const startedAt = stores.now();
  const findings = new VerificationFindings();
  const standing = await readStanding(stores, trail, findings);
  if (standing === undefined) return undefined;
  const { table } = stores;
  const { head, size, archived, signatories } = standing;
  const scope = await readScope(stores, trail, request, standing, { findings, records });
  const { mode, range, start, end, place, isCut } = scope;
  const notLookedAt: string[] = [];
  const compare = { ...stores, trail, from: scope.compareFrom, to: scope.compareTo, archived, findings, signal };
  const tiles = new TileComparison(compare);
  const expiry = new ExpiryRules(table, trail, stores.now);
  const scan = new BlockScan(
    { table, archive: new ArchivedRecords(stores), expiry },
    trail,
    findings,
    scope.countedFrom,
  );
  let newest: Omit<VerifiedPlace, 'archivedTo'> | undefined = place;
  if (head !== undefined) {
    await compareEarlier(scan, tiles, start.size, findings, signal);
    const scanned = scan.blocks(start.size, end);
    const blocks = isCut ? within(scanned, start.size, end === size && range === undefined ? BEYOND : end) : scanned;
    const onLeaves: typeof tiles.add = (first, leaves) => {
      onProgress?.(first + leaves.length, range === undefined ? size : end);
      return tiles.add(first, leaves);
    };
    const looked = { now: startedAt, findings, notLookedAt };
    const walk = { table, trail, start, end, head, blocks, signatories, ...looked, onLeaves, signal };
    newest = (await walkLedger(walk)) ?? place;
  }
  await tiles.finish();
  await compareCheckpoints(compare);
  const archivedTo = Math.min(scope.compareTo, archived);
  const part: VerifiedPart = {
    ...{ from: start.size, to: end, archivedFrom: Math.min(scope.compareFrom, archived), archivedTo },
    expired: scan.expired,
    ...{ problems: findings.problems, moreProblems: findings.count - findings.problems.length, notes: notLookedAt },
    ...(newest === undefined || newest.size === 0 ? {} : { checkpoint: { size: newest.size, note: newest.note } }),
    ...{ proven: newest?.size ?? start.size, compared: tiles.end, startedAt, ms: stores.now() - startedAt },
    ...defined({ head: head?.size, damagedAt: standing.damagedAt }),
  };
  const report = reportOf(trail, { mode, range }, part);
  // A clock that was ahead leaves records that are right but for their time: the next one need not look at them again.
  const isIntact = findings.problems.every(({ kind }) => kind === 'future_time');
  const goesOnAt = isIntact && range === undefined && newest !== undefined ? { ...newest, archivedTo } : undefined;
  const isPartial = range === undefined && end < size;
  return { report, place: goesOnAt, markIsDamaged: !standing.markHolds, isPartial, part };
}

/** The log's view of a trail before anything is checked. */
interface Standing {
  readonly signatories: Signatories;
  /** The verifier's state; the initial one if it is not readable. */
  readonly remembered: VerifiedPlace;
  /** See {@link VerificationMark.damagedAt}. */
  readonly damagedAt: number | undefined;
  /** True if it is a place that the log signed. */
  readonly markHolds: boolean;
  readonly head: Head | undefined;
  /** The head's; 0 without one. */
  readonly size: number;
  /** The largest size that anything here speaks of. */
  readonly known: number;
  /** Records that the archive has, of those that the head counts. */
  readonly archived: number;
}

/** @returns undefined where there is no such trail */
async function readStanding(
  stores: VerificationStores,
  trail: string,
  findings: VerificationFindings,
): Promise<Standing | undefined> {
  const signatories = await readSignatories(stores, trail);
  // The head comes last: what is appended meanwhile cannot make it look too small.
  const mark = await orDamage(readMark(stores.table, trail), 'watermark_damaged', findings);
  const { place: remembered, damagedAt } = mark ?? EMPTY_MARK;
  const markHolds = await placeHolds(stores, trail, remembered, signatories, findings);
  const archive = await orDamage(readArchiveState(stores.table, trail), 'watermark_damaged', findings);
  const signed = await newestSigned(stores.table, trail);
  const head = await orDamage(stores.ledger.head(trail), 'head_mismatch', findings);
  const size = head?.size ?? 0;
  const known = Math.max(size, signed, remembered.size, archive?.size ?? 0);
  if (head === undefined && known === 0 && findings.count === 0) return undefined;
  if (size < known) {
    const message = `the head is at ${size}, but the trail has been at ${known}`;
    findings.add({ kind: 'rolled_back', seq: size, message });
  }
  const archived = Math.min(archive?.size ?? 0, size);
  const standing = { signatories, remembered, damagedAt, head, size, known, archived };
  return { ...standing, markHolds: mark !== undefined && markHolds };
}

/** The scope of the check. */
interface Scope {
  readonly mode: VerificationMode;
  readonly range?: VerifiedRange;
  readonly start: WalkStart;
  readonly end: number;
  /** Where it goes on from; a range goes on from nothing, and nothing from it. */
  readonly place?: VerifiedPlace;
  /** Sizes between which the archive is compared. */
  readonly compareFrom: number;
  readonly compareTo: number;
  /** True if the blocks at its ends are cut to size. */
  readonly isCut: boolean;
  /** Records before this one were looked at by another part. */
  readonly countedFrom: number;
}

const BEYOND = Number.MAX_SAFE_INTEGER;

/** @throws `invalid_parameter`, see {@link assertRange} */
async function readScope(
  stores: VerificationStores,
  trail: string,
  request: VerificationRequest | VerificationStretch,
  { remembered, markHolds, size, known, archived, signatories }: Standing,
  { findings, records }: { readonly findings: VerificationFindings; readonly records: number },
): Promise<Scope> {
  if (typeof request === 'string') {
    const goesOn = request === 'incremental' && markHolds && remembered.size <= size;
    const start = goesOn ? remembered : TRAIL_START;
    const compareFrom = Math.min(start.archivedTo, archived);
    const limit = start.size + records;
    const end =
      request === 'incremental' && limit < size ? await checkpointFrom(stores.table, trail, limit, size) : size;
    const compareTo = end < size ? end : Number.POSITIVE_INFINITY;
    const compare = { compareFrom: Math.min(compareFrom, compareTo), compareTo };
    return { mode: request, start, place: start, end, ...compare, isCut: end < size, countedFrom: 0 };
  }
  if ('stretch' in request) {
    const { stretch, isLast } = request;
    const bounds = { from: Math.min(stretch.from, size), to: Math.min(stretch.to, size) };
    const { from, to: end } = await stretchAround(stores.table, trail, bounds, size, signatories);
    const start = await startAt(stores, trail, from, findings);
    const compareTo = isLast && end === size ? Number.POSITIVE_INFINITY : end;
    return { mode: 'full', start, end, compareFrom: from, compareTo, isCut: true, countedFrom: stretch.from };
  }
  // Of a trail that was rolled back, what is gone can be asked for: the answer is that it is gone.
  const range = assertRange(request, known);
  const { from, to: end } = await stretchAround(stores.table, trail, range, size, signatories);
  const start = await startAt(stores, trail, from, findings);
  return { mode: 'range', range, start, end, compareFrom: from, compareTo: end, isCut: true, countedFrom: 0 };
}

/** The size of the first checkpoint from a size on; that of the head where there is none before it. */
async function checkpointFrom(table: Table, trail: string, from: number, head: number): Promise<number> {
  const range = {
    partition: checkpointPartition(trail),
    from: sortableNumber(from),
    to: sortableNumber(head),
    limit: 1,
  };
  for await (const { sort } of table.query(range)) return Number.isSafeInteger(Number(sort)) ? Number(sort) : head;
  return head;
}

async function readSignatories({ ledger, retired }: VerificationStores, trail: string): Promise<Signatories> {
  const keys = (await retired?.()) ?? [];
  const origin = ledger.origin(trail);
  return {
    origin,
    current: await ledger.verifiers(trail),
    retired: keys.map(({ spki, ends }) => ({ verifier: verifierFromSpki(origin, spki), to: ends[trail] ?? 0 })),
  };
}

/** The value read; undefined, with a finding, if it is damaged. */
async function orDamage<T>(
  reading: Promise<T>,
  kind: 'watermark_damaged' | 'head_mismatch',
  findings: VerificationFindings,
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof Error) || !isUnreadable(error)) throw error;
    findings.add({ kind, message: error.message });
    return undefined;
  }
}

/** True if a remembered place is one that the log signed, and the ledger still has the checkpoint. */
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
    assertTime(signal);
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
