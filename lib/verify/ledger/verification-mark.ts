import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import type { VerificationFigures, VerificationReport } from '../../contract/verification.ts';
import { attributesOf, withFormat } from '../../ledger/items/format.ts';
import { watermarkKey } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import { decodeFrontier, EMPTY_FRONTIER, encodeFrontier, type Frontier } from '../../log/frontier.ts';
import { type Hash, isHash, ZERO_HASH } from '../../log/hash.ts';
import type { Condition, Item, Table } from '../../store/ports.ts';

/** The name under which the verifier's watermark is kept. */
export const VERIFIER = 'verifier';

/** A place in a trail at a checkpoint, and what is needed to go on from there. */
export interface VerifiedPlace {
  /** Records 0 to `size - 1` were found to be right, under a checkpoint of that size. */
  readonly size: number;
  readonly frontier: Frontier;
  /** Leaf hash of record `size - 1`; 32 zero bytes at the start. */
  readonly last: Hash;
  /** When that record was received, Unix milliseconds. */
  readonly receivedAt: number;
  /** The signed checkpoint; empty at the start. */
  readonly note: string;
  /** How far the archive was compared: its size at that time. */
  readonly archivedTo: number;
}

/** The verifier's state of a trail. */
export interface VerificationMark {
  readonly place: VerifiedPlace;
  readonly figures: VerificationFigures;
  /** The newest report on all that is new, or on all. */
  readonly report?: VerificationReport;
  /** The newest report on a range. */
  readonly rangeReport?: VerificationReport;
  /**
   * When the first verification began, Unix milliseconds, that found damage where an incremental one may not look again;
   * absent once one from record 0 on has found nothing wrong.
   */
  readonly damagedAt?: number;
  /** How often it was stored; 0: never. */
  readonly revision: number;
}

/** Where a trail starts. */
export const TRAIL_START: VerifiedPlace = {
  size: 0,
  frontier: EMPTY_FRONTIER,
  last: ZERO_HASH,
  receivedAt: 0,
  note: '',
  archivedTo: 0,
};

const NO_FIGURES: VerificationFigures = { runs: 0, failures: 0, lastRunAt: 0, lastOkAt: 0 };
export const EMPTY_MARK: VerificationMark = { place: TRAIL_START, figures: NO_FIGURES, revision: 0 };

const count = z.int().nonnegative();
const stored = z.strictObject({
  size: count,
  revision: count.min(1),
  frontier: z.instanceof(Uint8Array),
  last: z.instanceof(Uint8Array).refine(isHash),
  receivedAt: count,
  note: z.string(),
  archivedTo: count,
  runs: count,
  failures: count,
  lastRunAt: count,
  lastOkAt: count,
  report: z.string().optional(),
  rangeReport: z.string().optional(),
  damagedAt: count.optional(),
});

/**
 * The verifier's state of a trail; undefined if it never ran there.
 *
 * @throws `store_corrupt` when the stored item cannot be that
 */
export async function readMark(table: Table, trail: string): Promise<VerificationMark> {
  const item = await table.get(watermarkKey(trail, VERIFIER));
  if (item === undefined) return EMPTY_MARK;
  const attributes = attributesOf('watermark', item);
  try {
    const { revision, report, rangeReport, damagedAt, frontier, runs, failures, lastRunAt, lastOkAt, ...place } =
      stored.parse(attributes);
    return {
      revision,
      place: { ...place, frontier: decodeFrontier(place.size, frontier) },
      figures: { runs, failures, lastRunAt, lastOkAt },
      // Our own words, shown to readers and never acted upon.
      ...(report === undefined ? {} : { report: JSON.parse(report) as VerificationReport }),
      ...(rangeReport === undefined ? {} : { rangeReport: JSON.parse(rangeReport) as VerificationReport }),
      ...defined({ damagedAt }),
    };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the verifier's watermark of trail ${trail} is not readable`, { cause });
  }
}

const MAX_RACES = 10;

/**
 * Stores what came of a run: its figures and report, and the place that it verified, unless another run has come
 * further meanwhile.
 *
 * @returns the mark now stored
 * @param place undefined: the place stays where it is
 * @param reset what stands there is damaged: start again with `place`, or at the start
 * @throws `throttled` when others keep winning the race; the Table's errors
 */
export async function storeMark(
  table: Table,
  report: VerificationReport,
  { place, reset }: { readonly place: VerifiedPlace | undefined; readonly reset: boolean },
): Promise<VerificationMark> {
  const key = watermarkKey(report.trail, VERIFIER);
  for (let race = 0; race < MAX_RACES; race++) {
    const before = reset ? EMPTY_MARK : await readMark(table, report.trail);
    const mark = after(before, report, place);
    const item: Item = { ...key, attributes: withFormat('watermark', valuesOf(mark)) };
    const outcome = await table.transact([reset ? { put: item } : { put: item, when: isAt(before.revision) }]);
    if (outcome.committed) return mark;
  }
  throw racing(report.trail);
}

const isAt = (revision: number): Condition =>
  revision === 0 ? { is: 'absent' } : { is: 'equal', attribute: 'revision', value: revision };

const racing = (trail: string): SealtrailError =>
  new SealtrailError('throttled', `other verifications of trail ${trail} keep storing theirs`);

/**
 * Moves the place from which the next verification goes on, and nothing else: a long one keeps what it has done so far.
 *
 * @throws as {@link storeMark}, and `store_corrupt`
 */
export async function storePlace(table: Table, trail: string, place: VerifiedPlace): Promise<void> {
  const key = watermarkKey(trail, VERIFIER);
  for (let race = 0; race < MAX_RACES; race++) {
    const mark = await readMark(table, trail);
    if (mark.place.size >= place.size) return;
    const attributes = withFormat('watermark', valuesOf({ ...mark, place, revision: mark.revision + 1 }));
    const outcome = await table.transact([{ put: { ...key, attributes }, when: isAt(mark.revision) }]);
    if (outcome.committed) return;
  }
  throw racing(trail);
}

/**
 * The state after a run. A range says nothing of the trail: it counts as a run, and as a failure if it is one.
 * Damage that was found is not forgotten because a later run did not look there.
 */
function after(
  { damagedAt: before, ...mark }: VerificationMark,
  report: VerificationReport,
  place: VerifiedPlace | undefined,
): VerificationMark {
  const { mode, verdict, from, startedAt } = report;
  const isRange = mode === 'range';
  const isOk = verdict === 'ok';
  const { runs, failures, lastRunAt, lastOkAt } = mark.figures;
  const staysDamaged = before !== undefined && !(isOk && !isRange && from === 0);
  // An incremental one begins where it began until it finds nothing wrong: it needs no reminder.
  const damagedAt = staysDamaged ? before : isOk || mode === 'incremental' ? undefined : startedAt;
  return {
    ...mark,
    ...(isRange ? { rangeReport: report } : { report }),
    ...defined({ damagedAt }),
    place: place !== undefined && place.size >= mark.place.size ? place : mark.place,
    figures: {
      runs: runs + 1,
      failures: failures + (isOk ? 0 : 1),
      lastRunAt: isRange ? lastRunAt : startedAt,
      lastOkAt: isRange || !isOk || damagedAt !== undefined ? lastOkAt : startedAt,
    },
    revision: mark.revision + 1,
  };
}

function valuesOf({ place, figures, report, rangeReport, damagedAt, revision }: VerificationMark): Item['attributes'] {
  const { frontier, ...rest } = place;
  return {
    ...rest,
    frontier: encodeFrontier(frontier),
    revision,
    ...figures,
    ...(report === undefined ? {} : { report: JSON.stringify(report) }),
    ...(rangeReport === undefined ? {} : { rangeReport: JSON.stringify(rangeReport) }),
    ...defined({ damagedAt }),
  };
}
