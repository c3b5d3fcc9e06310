import * as z from 'zod';
import { watermarkKey } from '../ledger/layout.ts';
import { SealtrailError } from '../log/error.ts';
import { decodeFrontier, EMPTY_FRONTIER, encodeFrontier, type Frontier } from '../log/frontier.ts';
import { type Hash, isHash, ZERO_HASH } from '../log/hash.ts';
import type { Attribute, Item, Table } from '../store/ports.ts';
import type { VerificationReport } from './verification.ts';

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

/** Figures for alarms. */
export interface VerificationFigures {
  readonly runs: number;
  /** Runs that found damage. */
  readonly failures: number;
  /** When the last run began, Unix milliseconds; 0: there was none. */
  readonly lastRunAt: number;
  /** When the last run began that found nothing wrong, Unix milliseconds; 0: there was none. */
  readonly lastOkAt: number;
}

/** What the verifier remembers of a trail. */
export interface VerificationMark {
  readonly place: VerifiedPlace;
  readonly figures: VerificationFigures;
  /** The newest report. */
  readonly report?: VerificationReport;
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
  report: z.string(),
});

/**
 * What the verifier remembers of a trail; nothing where it never ran there.
 *
 * @throws `store_corrupt` when what is stored cannot be that
 */
export async function readMark(table: Table, trail: string): Promise<VerificationMark> {
  const item = await table.get(watermarkKey(trail, VERIFIER));
  if (item === undefined) return EMPTY_MARK;
  try {
    const { revision, report, frontier, runs, failures, lastRunAt, lastOkAt, ...place } = stored.parse(item.attributes);
    return {
      revision,
      place: { ...place, frontier: decodeFrontier(place.size, frontier) },
      figures: { runs, failures, lastRunAt, lastOkAt },
      // Our own words, shown to readers and never acted upon.
      report: JSON.parse(report) as VerificationReport,
    };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the verifier's watermark of trail ${trail} is not readable`, { cause });
  }
}

const RACES = 10;

/**
 * Stores what came of a run: its figures and report, and the place that it verified, unless another run has come
 * further meanwhile.
 *
 * @param place undefined: the place stays where it is
 * @param reset what stands there is damaged: start again with `place`, or at the start
 * @throws `throttled` when others keep winning the race; the Table's errors
 */
export async function storeMark(
  table: Table,
  report: VerificationReport,
  { place, reset }: { readonly place: VerifiedPlace | undefined; readonly reset: boolean },
): Promise<void> {
  const { trail, verdict, startedAt } = report;
  const key = watermarkKey(trail, VERIFIER);
  for (let race = 0; race < RACES; race++) {
    const before = reset ? EMPTY_MARK : await readMark(table, trail);
    const further = place !== undefined && place.size >= before.place.size ? place : before.place;
    const { runs, failures, lastOkAt } = before.figures;
    const attributes = attributesOf(further, before.revision + 1, report, {
      runs: runs + 1,
      failures: failures + (verdict === 'ok' ? 0 : 1),
      lastRunAt: startedAt,
      lastOkAt: verdict === 'ok' ? startedAt : lastOkAt,
    });
    const item: Item = { ...key, attributes };
    const { revision } = before;
    const when =
      revision === 0 ? ({ is: 'absent' } as const) : ({ is: 'equal', attribute: 'revision', value: revision } as const);
    const outcome = await table.transact([reset ? { put: item } : { put: item, when }]);
    if (outcome.committed) return;
  }
  throw new SealtrailError('throttled', `other verifications of trail ${trail} keep storing theirs`);
}

function attributesOf(
  { frontier, ...place }: VerifiedPlace,
  revision: number,
  report: VerificationReport,
  figures: VerificationFigures,
): Record<string, Attribute> {
  return { ...place, frontier: encodeFrontier(frontier), revision, ...figures, report: JSON.stringify(report) };
}
