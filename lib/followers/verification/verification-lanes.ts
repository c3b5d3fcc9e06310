import * as z from 'zod';
import type { VerificationRequest } from '../../contract/verification.ts';
import { SealtrailError } from '../../log/error.ts';
import { decodeFrontier, encodeFrontier } from '../../log/frontier.ts';
import type { VerifiedPlace } from '../../verify/ledger/verification-mark.ts';
import type { Verified } from '../../verify/ledger/verification-run.ts';
import { joined, type VerifiedPart } from '../../verify/ledger/verified-part.ts';
import type { Verifier } from './verifier.ts';

/**
 * A verification that is too large for one run goes in lanes: ranges of its records, each verified by itself, a step at a time, in as
 * many runs as it takes. What a step has found is kept with the lane.
 */

/** More records than this go in lanes, each of which has at least about so many. */
export const LANE_RECORDS = 250_000;
/** Lanes of a verification at most: each may be a run of its own at the same time. */
const MAX_LANES = 4;
/** Records of a lane between two notes of how far it has come: what an interruption costs at most. */
const STEP_RECORDS = 100_000;

const count = z.int().min(0);
const bytes = z.base64();

export const laneSchema = z.object({
  /** The id of the verification that it is a part of. */
  of: z.string(),
  from: count,
  /** Exclusive. */
  to: count,
  /** Records from `from` on and before this one are verified. */
  at: count,
  /** True if it goes on to the trail's head, wherever that is by then. */
  isLast: z.boolean(),
  // Our own words, as in a report.
  part: z.custom<VerifiedPart>((value) => typeof value === 'object' && value !== null).exactOptional(),
  /** Where an incremental verification may go on. */
  place: z
    .object({ size: count, frontier: bytes, last: bytes, receivedAt: count, note: z.string(), archivedTo: count })
    .exactOptional(),
  markIsDamaged: z.boolean(),
});

/** A range of a large verification, and how far it has come. */
export type Lane = z.infer<typeof laneSchema>;

/** A request to the verifier. */
export type LaneVerifier = Pick<Verifier, 'extent' | 'verifyStretch' | 'conclude'>;

/** The lanes of a verification; undefined where it is small enough for one run. */
export function lanesOf(
  id: string,
  request: VerificationRequest,
  { from, to }: { readonly from: number; readonly to: number },
  laneRecords = LANE_RECORDS,
): readonly Lane[] | undefined {
  const records = to - from;
  if (!(records > laneRecords)) return undefined;
  const lanes = Math.min(MAX_LANES, Math.ceil(records / laneRecords));
  const edge = (n: number): number => from + Math.floor((n * records) / lanes);
  return Array.from({ length: lanes }, (_, n) => ({
    ...{ of: id, from: edge(n), to: edge(n + 1), at: edge(n), markIsDamaged: false },
    isLast: n === lanes - 1 && (typeof request === 'string' || request.to === undefined),
  }));
}

export const laneId = (id: string, n: number): string => `${id}.${n}`;

/** Verifies the next step of a lane. @throws as {@link Verifier.verifyStretch} */
export async function chooseStep(
  verifier: LaneVerifier,
  trail: string,
  lane: Lane,
  { signal, stepRecords = STEP_RECORDS }: { readonly signal: AbortSignal; readonly stepRecords?: number | undefined },
): Promise<Lane> {
  const to = Math.min(lane.at + stepRecords, lane.to);
  const isEnd = to === lane.to;
  const stretch = { from: lane.at, to: isEnd && lane.isLast ? Number.MAX_SAFE_INTEGER : to };
  const verified = await verifier.verifyStretch(trail, { stretch, isLast: lane.isLast }, { signal });
  const { place: _, part, ...rest } = lane;
  return {
    ...rest,
    at: to,
    part: part === undefined ? verified.part : joined(part, verified.part),
    ...(verified.place !== undefined && { place: encoded(verified.place) }),
    markIsDamaged: lane.markIsDamaged || verified.markIsDamaged,
  };
}

/** The findings of all lanes of a verification, as one. */
export function together(lanes: readonly Lane[]): Pick<Verified, 'part' | 'place' | 'markIsDamaged'> {
  const parts = lanes.flatMap(({ part }) => part ?? []);
  const [first, ...rest] = parts;
  if (first === undefined || parts.length < lanes.length) {
    throw new SealtrailError('internal', 'a lane of a verification ended without having looked at anything');
  }
  const part = rest.reduce(joined, first);
  const place = lanes.at(-1)?.place;
  const isIntact = part.moreProblems === 0 && part.problems.every(({ kind }) => kind === 'future_time');
  return {
    part,
    place: isIntact && place !== undefined ? { ...decoded(place), archivedTo: part.archivedTo } : undefined,
    markIsDamaged: lanes.some(({ markIsDamaged }) => markIsDamaged),
  };
}

const encoded = ({ frontier, last, ...place }: VerifiedPlace): NonNullable<Lane['place']> => ({
  ...place,
  frontier: Buffer.from(encodeFrontier(frontier)).toString('base64'),
  last: Buffer.from(last).toString('base64'),
});

const decoded = ({ frontier, last, ...place }: NonNullable<Lane['place']>): VerifiedPlace => ({
  ...place,
  frontier: decodeFrontier(place.size, Buffer.from(frontier, 'base64')),
  last: Buffer.from(last, 'base64'),
});
