import { defined } from '../../base/defined.ts';
import { DAY_MS } from '../../contract/time.ts';
import type { VerificationReport, VerificationRequest, VerificationStatus } from '../../contract/verification.ts';
import { isUnreadable } from '../../ledger/items/format.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import {
  readMark,
  storeMark,
  storePlace,
  VERIFIER,
  type VerificationMark,
} from '../../verify/ledger/verification-mark.ts';
import type {
  VerificationCourse,
  VerificationStores,
  VerificationStretch,
  Verified,
  verifyTrail as verify,
} from '../../verify/ledger/verification-run.ts';
import { reportOf } from '../../verify/ledger/verified-part.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/** Loaded with the first verification: a function answers most requests about verifications without one. */
const verifyTrail: typeof verify = async (...of) =>
  (await import('../../verify/ledger/verification-run.ts')).verifyTrail(...of);

/** The dependencies of {@link Verifier}. */
export interface VerifierOptions extends Omit<VerificationStores, 'now' | 'ledger'> {
  readonly ledger: Pick<Ledger, 'head' | 'origin' | 'verifiers' | 'exactCheckpoint' | 'blocks' | 'append'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** Milliseconds between two scheduled verifications of a trail that has new records; one without has one a day. @default 3,600,000 */
  readonly everyMs?: number;
  /** Records of an incremental verification between two notes of how far it has come. @default 100,000 */
  readonly stepRecords?: number;
  /** Called when damage was found and could not be recorded in `_system`. Must not throw. @default nothing */
  readonly onUnrecorded?: (trail: string, reason: unknown) => void;
}

/** When a trail is due. */
interface Due {
  /** Unix milliseconds. */
  readonly at: number;
  /** The size at which a verification found nothing new: until the trail grows, once a day is enough. */
  readonly restingAt?: number;
}

type VerificationOutcome = VerificationMark & { readonly report: VerificationReport };

/** Ranges that are verified at the same time. Of the other modes each trail has one at most. */
const MAX_RANGES = 4;

/**
 * Verifies hot ledgers against themselves and their archives: on request, and as a follower once in a while. What came
 * of it is recorded in `_system`, kept as the newest report, and counted. The place from which the next incremental one
 * goes on moves only when nothing is wrong.
 */
export class Verifier implements Follower {
  readonly name = VERIFIER;
  readonly #stores: VerificationStores;
  readonly #ledger: VerifierOptions['ledger'];
  readonly #everyMs: number;
  readonly #stepRecords: number;
  readonly #onUnrecorded: NonNullable<VerifierOptions['onUnrecorded']>;
  readonly #due = new Map<string, Due>();
  readonly #underWay = new Map<string, Promise<VerificationReport>>();
  #ranges = 0;

  constructor(options: VerifierOptions) {
    const { table, objects, ledger, retired, now = Date.now } = options;
    this.#stores = { table, objects, ledger, now, ...(retired && { retired }) };
    this.#ledger = ledger;
    this.#everyMs = options.everyMs ?? 3_600_000;
    this.#stepRecords = options.stepRecords ?? 100_000;
    this.#onUnrecorded = options.onUnrecorded ?? (() => undefined);
  }

  /**
   * Verifies a trail now, or a range of its records. A request for the same verification while it is under way gets its report.
   *
   * @throws `not_found` where there is no such trail; `invalid_parameter` for a range that it does not have, naming the
   *   field; `rate_limited` for one too many at once; the errors of the stores and of the append to `_system`: then it
   *   counts for nothing
   */
  verify(
    trail: string,
    request: VerificationRequest = 'incremental',
    course: VerificationCourse = {},
  ): Promise<VerificationReport> {
    const isRange = typeof request !== 'string';
    const key = `${trail}/${isRange ? `${request.from}-${request.to}` : request}`;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    if (isRange && this.#ranges >= MAX_RANGES) {
      const message = `${MAX_RANGES} ranges are being verified already: try again`;
      return Promise.reject(new SealtrailError('rate_limited', message, { retryAfter: 5 }));
    }
    if (isRange) this.#ranges += 1;
    const verification = this.#verify(trail, request, { ...course, quiet: false })
      .then(({ report }) => report)
      .finally(() => {
        this.#underWay.delete(key);
        if (isRange) this.#ranges -= 1;
      });
    this.#underWay.set(key, verification);
    return verification;
  }

  /**
   * The records that a verification has to look at, as far as that is known beforehand.
   *
   * @throws the Table's errors, `store_corrupt` not among them
   */
  async extent(trail: string, request: VerificationRequest): Promise<{ readonly from: number; readonly to: number }> {
    try {
      const size = (await this.#ledger.head(trail))?.size ?? 0;
      if (request === 'full') return { from: 0, to: size };
      if (typeof request !== 'string') return { from: request.from ?? 0, to: Math.min(request.to ?? size, size) };
      const { place } = await readMark(this.#stores.table, trail);
      return { from: Math.min(place.size, place.archivedTo, size), to: size };
    } catch (error) {
      // The verification itself finds and reports damage.
      if (isUnreadable(error)) return { from: 0, to: 0 };
      throw error;
    }
  }

  /**
   * Verifies a part of a trail, and keeps nothing of it.
   *
   * @throws `not_found` where there is no such trail; `unavailable` when the signal interrupts it; the stores' errors
   */
  async verifyStretch(trail: string, stretch: VerificationStretch, course: VerificationCourse): Promise<Verified> {
    const verified = await verifyTrail(this.#stores, trail, stretch, course);
    if (verified === undefined) throw new SealtrailError('not_found', `there is no trail ${trail}`);
    return verified;
  }

  /**
   * Records what the parts of a verification have found, and keeps it as {@link verify} does.
   *
   * @throws the errors of the stores and of the append to `_system`
   */
  async conclude(
    trail: string,
    request: VerificationRequest,
    { part, place, markIsDamaged }: Pick<Verified, 'part' | 'place' | 'markIsDamaged'>,
  ): Promise<VerificationReport> {
    const isRange = typeof request !== 'string';
    const of = isRange
      ? { mode: 'range' as const, range: { from: request.from ?? 0, to: request.to ?? part.to } }
      : { mode: request };
    const report = reportOf(trail, of, part);
    await this.#record(report);
    await storeMark(this.#stores.table, report, { place: isRange ? undefined : place, reset: markIsDamaged });
    return report;
  }

  /**
   * The newest reports and the figures of a trail.
   *
   * @throws `store_corrupt` when the stored item of them is damaged, until the next verification
   */
  async status(trail: string): Promise<VerificationStatus> {
    const { figures, report, rangeReport, damagedAt } = await readMark(this.#stores.table, trail);
    const { lastOkAt } = figures;
    const since = Math.max(0, Math.floor((this.#stores.now() - lastOkAt) / 1000));
    return {
      trail,
      ...figures,
      ...(lastOkAt === 0 ? {} : { secondsSinceOk: since }),
      ...defined({ damagedAt, report, rangeReport }),
    };
  }

  /**
   * Verifies the trail incrementally when it is time to, or with `force`. A verification that finds nothing new and
   * nothing wrong is counted and not recorded, so that a trail at rest does not fill `_system`.
   *
   * @throws `store_corrupt`, once for each verification that finds damage, or does not look where an earlier one has found
   *   some: an alarm. And the errors of the stores.
   */
  async run(trail: string, { signal, force = false }: RunOptions = {}): Promise<void> {
    const now = this.#stores.now();
    const due = await this.#nextDue(trail);
    if (due === undefined) return;
    this.#due.set(trail, due);
    if (now < this.#timeOf(due) && !force) return;
    let stored: VerificationOutcome;
    try {
      stored = await this.#verify(trail, 'incremental', { quiet: true, signal });
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
    const alarm = alarmOf(trail, stored);
    const rests = alarm === undefined && foundNothingNew(stored) ? { restingAt: stored.report.to } : {};
    this.#due.set(trail, { at: now + this.#everyMs, ...rests });
    if (alarm !== undefined) throw new SealtrailError('store_corrupt', alarm);
  }

  /** When the next scheduled verification is due. */
  revisit(trail: string): number | undefined {
    const due = this.#due.get(trail);
    return due === undefined ? undefined : Math.max(0, this.#timeOf(due) - this.#stores.now());
  }

  #timeOf({ at, restingAt }: Due): number {
    return restingAt === undefined ? at : at + Math.max(0, DAY_MS - this.#everyMs);
  }

  /** When the next verification of a trail is due, now that it may have grown. */
  async #nextDue(trail: string): Promise<Due | undefined> {
    const due = this.#due.get(trail);
    if (due === undefined) {
      const at = await this.#firstDue(trail);
      return at === undefined ? undefined : { at };
    }
    return due.restingAt === undefined || (await this.#sizeOf(trail)) === due.restingAt ? due : { at: due.at };
  }

  async #sizeOf(trail: string): Promise<number | undefined> {
    try {
      return (await this.#ledger.head(trail))?.size;
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }

  /** So much after the last one, no matter which process ran it, or else after the trail's first record. */
  async #firstDue(trail: string): Promise<number | undefined> {
    try {
      const { figures } = await readMark(this.#stores.table, trail);
      if (figures.lastRunAt > 0) return this.#after(figures.lastRunAt);
      for await (const block of this.#ledger.blocks(trail, { from: 0, to: 1 })) return this.#after(block.receivedAt);
      return undefined;
    } catch (error) {
      // A damaged mark, head or first block: what there is a verification for.
      if (isUnreadable(error)) return 0;
      throw error;
    }
  }

  /** A clock that was ahead once must not put it off. */
  #after(time: number): number {
    return Math.min(time, this.#stores.now()) + this.#everyMs;
  }

  /** A crash between the record and the mark leads to another verification and another record, never to none. */
  async #verify(
    trail: string,
    request: VerificationRequest,
    { quiet, ...course }: VerificationCourse & { readonly quiet: boolean },
  ): Promise<VerificationOutcome> {
    const verified =
      request === 'incremental'
        ? await this.#verifyInSteps(trail, course)
        : await verifyTrail(this.#stores, trail, request, course);
    if (verified === undefined) throw new SealtrailError('not_found', `there is no trail ${trail}`);
    const { report, place, markIsDamaged } = verified;
    if (!(quiet && foundNothingNew(verified))) await this.#record(report);
    return { ...(await storeMark(this.#stores.table, report, { place, reset: markIsDamaged })), report };
  }

  /** Verifies what is new in steps, and keeps each that found nothing wrong: whatever interrupts it costs one step at most. */
  async #verifyInSteps(trail: string, course: VerificationCourse): Promise<Verified | undefined> {
    for (;;) {
      const verified = await verifyTrail(this.#stores, trail, 'incremental', { ...course, records: this.#stepRecords });
      if (verified?.isPartial !== true) return verified;
      if (verified.place === undefined) return this.#readExtent(verified, course);
      await storePlace(this.#stores.table, trail, verified.place);
    }
  }

  /** All the damage from a place on, or what a step has found of it where there is no time to look at the rest. */
  async #readExtent(found: Verified, course: VerificationCourse): Promise<Verified | undefined> {
    try {
      return await verifyTrail(this.#stores, found.report.trail, 'incremental', course);
    } catch (error) {
      if (course.signal?.aborted === true) return found;
      throw error;
    }
  }

  async #record(report: VerificationReport): Promise<void> {
    try {
      await recordInSystem(this.#ledger, { by: 'sealtrail', event: eventOf(report), wait: false });
    } catch (error) {
      // Damage must be reported even if `_system` itself is damaged.
      if (report.verdict === 'ok') throw error;
      this.#onUnrecorded(report.trail, error);
    }
  }
}

/** The alarm message after a scheduled verification, if any. */
function alarmOf(trail: string, { report, damagedAt }: VerificationMark): string | undefined {
  if (report?.verdict === 'damaged') {
    const [first] = report.problems;
    const count = report.problems.length + report.moreProblems;
    return `verification of trail ${trail} found damage (${count} in all): ${first?.kind}: ${first?.message}`;
  }
  if (damagedAt === undefined) return undefined;
  const when = new Date(damagedAt).toISOString();
  return `verification of trail ${trail} found damage at ${when}, and no full one has found it gone since`;
}

function foundNothingNew({ report }: Pick<Verified, 'report'>): boolean {
  return report.verdict === 'ok' && report.from === report.to && report.archivedFrom === report.archivedTo;
}

function eventOf(report: VerificationReport): object {
  const { trail, verdict, problems, moreProblems, checkpoint } = report;
  const { mode, range, from, to, archivedFrom, archivedTo, expired, notLookedAt, ms } = report;
  const isOk = verdict === 'ok';
  return {
    type: isOk ? 'system.verification_completed' : 'security.verification_failed',
    severity: isOk ? 'info' : 'critical',
    outcome: isOk ? 'success' : 'failure',
    actor: { id: 'sealtrail', type: 'system' },
    resource: { type: 'trail', id: trail },
    details: {
      mode,
      ...defined({ range }),
      verdict,
      from,
      to,
      archivedFrom,
      archivedTo,
      expired,
      notLookedAt,
      ...(checkpoint === undefined ? {} : { checkpoint: checkpoint.size }),
      ms,
      ...(isOk ? {} : { problems: problems.slice(0, 10), moreProblems: moreProblems + problems.slice(10).length }),
    },
  };
}
