import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { checkpointName, utcDate } from '../../log/archive.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { cosignerFromSpki, isNoteWithMlDsa, withMlDsaLine } from '../../log/cosignature.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote, type Verifier } from '../../log/note.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { type ArchiveStores, archiveRecords, retentionFrom } from './archive-records.ts';
import { archiveSeal, assertInStep, republish } from './archive-seal.ts';
import {
  ARCHIVER,
  type ArchiveState,
  type Plan,
  readArchiveState,
  type SignedCheckpoint,
  takeArchiveStep,
} from './archive-state.ts';
import { assertSignature, keyIdOf, putKey, putMlDsaKey, readSignatories } from './public-keys.ts';
import type { SegmentLimits } from './segment.ts';

/** The dependencies of {@link Archiver}. */
export interface ArchiverOptions extends Omit<ArchiveStores, 'now'> {
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** How old a record may become before it is archived without waiting for more. @default 20,000 */
  readonly maxDelayMs?: number;
  /** How large a segment may become; so much that waits is archived at once. @default 50,000 records, 16 MB */
  readonly segment?: SegmentLimits;
}

/** How far a trail's archive has come, and how far behind the trail it is. */
export interface ArchiveStatus {
  /** Records in the trail. */
  readonly size: number;
  /** Records in the archive, under an archived checkpoint. */
  readonly archived: number;
  /** Records that `<trail>/checkpoint` covers. */
  readonly sealed: number;
  /** Records that are not in the archive yet. */
  readonly lagRecords: number;
  /** Age of the oldest of them in milliseconds; 0 where there is none. */
  readonly lagMs: number;
}

/** The oldest record that is not archived. */
interface Oldest {
  readonly seq: number;
  /** Unix milliseconds, by the clock of the process that appended it. */
  readonly receivedAt: number;
  /** When this instance first saw it, by its own clock. */
  readonly seenAt: number;
  /** Mean bytes of the records that came with it, line feeds included. */
  readonly meanBytes: number;
}

/** The records of a trail that are not archived; at least one. */
interface Pending {
  readonly count: number;
  readonly oldest: Oldest;
}

const SEGMENT: SegmentLimits = { records: 50_000, bytes: 16_000_000 };
/** Records that one plan aims at, so that a long backlog makes lasting progress; a plan ends at a checkpoint after. */
const PLAN_RECORDS = 100_000;
/** Heads are archived soon, since witnesses are asked only then. */
const HEADS_DELAY_MS = 1_000;
/** How soon to look again when the records that are due have no checkpoint yet. */
const AWAIT_SEALER_MS = 500;

/**
 * Writes the archive (design: Archive). It waits until there is a segment's worth of records or the oldest has waited
 * long enough, and stops at a signed checkpoint. What it is about to write it first stores as a plan; see
 * {@link archiveRecords} and {@link archiveSeal} for the order of the writes and what survives a crash after each.
 *
 * A trail is sealed when its first records are archived, then once a day (UTC), and on request.
 */
export class Archiver implements Follower {
  readonly name = ARCHIVER;
  readonly #stores: ArchiveStores;
  readonly #maxDelayMs: number;
  readonly #segment: SegmentLimits;
  readonly #oldest = new Map<string, Oldest>();
  readonly #revisit = new Map<string, number>();
  /** Trails whose ML-DSA-44 key this instance has seen to be in the archive. */
  readonly #published = new Set<string>();

  constructor(options: ArchiverOptions) {
    const { objects, table, ledger, lockFor, retired, mlDsa, now = Date.now } = options;
    const given = { ...(lockFor && { lockFor }), ...(retired && { retired }), ...(mlDsa && { mlDsa }) };
    this.#stores = { objects, table, ledger, now, ...given };
    this.#maxDelayMs = options.maxDelayMs ?? 20_000;
    this.#segment = options.segment ?? SEGMENT;
  }

  /**
   * Completes what was begun, archives what is due (with `force`: all that is there and signed), and seals if the day has
   * changed.
   *
   * @throws `object_differs`: an alarm that names the object. `store_corrupt`: ledger, archiver and archive disagree.
   *   And the errors of the stores; the next run goes on from here.
   */
  async run(trail: string, { signal, force = false }: RunOptions = {}): Promise<void> {
    this.#revisit.delete(trail);
    // What comes in from now on is not forced: a run on a busy trail comes to an end.
    const target = force ? ((await this.#stores.ledger.head(trail))?.size ?? 0) : 0;
    while (!signal?.aborted) {
      const state = await this.#completePlans(trail, signal);
      if (state === undefined) return;
      const plan = await this.#nextPlan(trail, state, target);
      if (plan === undefined) return;
      await this.#begin(trail, state, plan, signal);
    }
  }

  /**
   * Signs, archives and seals all that the trail holds now, so that `<trail>/checkpoint` covers it.
   *
   * @returns the checkpoint; undefined for a trail without a record
   * @throws as {@link run}, and `signer_unavailable`. `unavailable` when it was asked to stop: what was begun is completed by
   *   the next run, and the rest by the next seal
   */
  async seal(trail: string, { signal }: Pick<RunOptions, 'signal'> = {}): Promise<SignedCheckpoint | undefined> {
    const head = await this.#stores.ledger.seal(trail);
    if (head === undefined) return undefined;
    for (;;) {
      await this.run(trail, { force: true, ...(signal && { signal }) });
      if (signal?.aborted) throw new SealtrailError('unavailable', `the seal of trail ${trail} was stopped: ask again`);
      const state = await readArchiveState(this.#stores.table, trail);
      if (state.plan !== undefined) continue; // another archiver has begun another one
      if (state.sealed !== undefined && state.sealed.size >= head.size) {
        await republish(this.#stores, trail, state.sealed);
        return state.sealed;
      }
      await this.#begin(trail, state, await this.#planSeal(trail, state), undefined);
    }
  }

  /** Reads how far the archive has come and how far it lags behind. */
  async status(trail: string): Promise<ArchiveStatus> {
    const { size, sealed } = await readArchiveState(this.#stores.table, trail);
    const pending = await this.#pending(trail, size);
    return {
      size: size + (pending?.count ?? 0),
      archived: size,
      sealed: sealed?.size ?? 0,
      lagRecords: pending?.count ?? 0,
      lagMs: pending === undefined ? 0 : Math.max(0, this.#stores.now() - pending.oldest.receivedAt),
    };
  }

  /** When the oldest waiting record will have waited long enough. */
  revisit(trail: string): number | undefined {
    return this.#revisit.get(trail);
  }

  /** The state once no plan is open, no matter who began it. Undefined: stopped before that. */
  async #completePlans(trail: string, signal: AbortSignal | undefined): Promise<ArchiveState | undefined> {
    while (!signal?.aborted) {
      const state = await readArchiveState(this.#stores.table, trail);
      const { plan } = state;
      if (plan === undefined) return state;
      if (plan.kind === 'records') await archiveRecords(this.#stores, trail, state, plan, signal);
      else await archiveSeal(this.#stores, trail, state, plan);
    }
    return undefined;
  }

  /**
   * Stores a plan, after the public keys that its checkpoint is signed with. A lost race is nothing to do about: the
   * next look at the state finds the winner's plan.
   *
   * After a crash before the step there are keys in the archive at most; after it, the next run carries the plan out.
   */
  async #begin(trail: string, state: ArchiveState, plan: Plan, signal: AbortSignal | undefined): Promise<void> {
    const { objects, table } = this.#stores;
    const keys = new Set(state.keys);
    let alarm: unknown;
    for (const verifier of await this.#signatories(trail, state, plan.checkpoint)) {
      if (keys.has(keyIdOf(verifier))) continue;
      try {
        await putKey(objects, verifier, await retentionFrom(this.#stores));
        keys.add(keyIdOf(verifier));
      } catch (error) {
        // A planted key must not keep the records from getting under lock: alarm, but afterwards.
        if (!(error instanceof SealtrailError) || error.code !== 'object_differs') throw error;
        alarm = error;
      }
    }
    const signed = { ...plan, checkpoint: await this.#withMlDsa(trail, plan.checkpoint) };
    await takeArchiveStep(table, state, { plan: signed, keys: [...keys] });
    if (alarm === undefined) return;
    await this.#completePlans(trail, signal);
    throw alarm;
  }

  /** The next step. Records of an earlier day are archived before the seal of that day. */
  async #nextPlan(trail: string, state: ArchiveState, target: number): Promise<Plan | undefined> {
    const pending = await this.#pending(trail, state.size);
    const sealIsDue = this.#sealIsDue(state);
    const beforeSeal = sealIsDue && pending !== undefined && this.#isEarlierDay(pending.oldest.receivedAt);
    if (sealIsDue && !beforeSeal) return this.#planSeal(trail, state);
    if (pending === undefined) return undefined;
    const wait = beforeSeal || state.size < target ? 0 : this.#remainingDelay(trail, pending);
    const checkpoint = wait > 0 ? undefined : await this.#nextCheckpoint(trail, state);
    if (checkpoint !== undefined) {
      await assertInStep(this.#stores, trail, state);
      return { kind: 'records', from: state.size, checkpoint, limits: this.#segment };
    }
    this.#revisit.set(trail, wait > 0 ? wait : AWAIT_SEALER_MS);
    return sealIsDue ? this.#planSeal(trail, state) : undefined;
  }

  /** Milliseconds that the pending records may still wait for more; at most 0 when they are due. */
  #remainingDelay(trail: string, { oldest, count }: Pending): number {
    if (count >= this.#segment.records || count * oldest.meanBytes >= this.#segment.bytes) return 0;
    const now = this.#stores.now();
    const most = trail === HEADS_TRAIL ? Math.min(HEADS_DELAY_MS, this.#maxDelayMs) : this.#maxDelayMs;
    return most - Math.max(now - oldest.receivedAt, now - oldest.seenAt);
  }

  /** The checkpoint to archive next, its signature checked: the newest one, or an earlier one in a long backlog. */
  async #nextCheckpoint(trail: string, state: ArchiveState): Promise<SignedCheckpoint | undefined> {
    const { ledger, objects } = this.#stores;
    const { size, keys } = state;
    const newest = await ledger.checkpoint(trail);
    if (newest === undefined || newest.size <= size) return undefined;
    const long = newest.size - size > PLAN_RECORDS;
    const checkpoint = (long ? await ledger.checkpoint(trail, size + PLAN_RECORDS) : undefined) ?? newest;
    await assertSignature(objects, await this.#signatories(trail, state, checkpoint), keys, checkpoint);
    return checkpoint;
  }

  async #signatories(
    trail: string,
    { keys }: ArchiveState,
    checkpoint: SignedCheckpoint,
  ): Promise<readonly Verifier[]> {
    const { ledger, retired = async () => [] } = this.#stores;
    return readSignatories(trail, await ledger.verifiers(trail), keys, checkpoint, retired);
  }

  async #planSeal(trail: string, { size }: ArchiveState): Promise<Plan> {
    const checkpoint = await this.#stores.ledger.exactCheckpoint(trail, size);
    if (checkpoint !== undefined) return { kind: 'seal', checkpoint: await this.#asArchived(trail, checkpoint) };
    throw new SealtrailError(
      'store_corrupt',
      `the checkpoint of trail ${trail} at size ${size} is gone from the ledger`,
    );
  }

  /**
   * The checkpoint with the line of the log's ML-DSA-44 key, whose public key is archived first. The plan holds it: the key signs
   * differently each time.
   */
  async #withMlDsa(trail: string, { size, note }: SignedCheckpoint): Promise<SignedCheckpoint> {
    const { objects, mlDsa } = this.#stores;
    if (mlDsa === undefined) return { size, note };
    const cosigner = cosignerFromSpki(parseCheckpoint(parseNote(note).text).origin, await mlDsa.publicKey());
    if (!this.#published.has(trail)) await putMlDsaKey(objects, cosigner, await retentionFrom(this.#stores));
    this.#published.add(trail);
    return { size, note: await withMlDsaLine(note, cosigner, (message) => mlDsa.sign(message)) };
  }

  /** The checkpoint as it was archived, perhaps with the line of an ML-DSA-44 key: what is sealed is the same, byte for byte. */
  async #asArchived(trail: string, { size, note }: SignedCheckpoint): Promise<SignedCheckpoint> {
    const archived = await this.#stores.objects.get(checkpointName(trail, size));
    if (archived === undefined) return { size, note };
    const longer = Buffer.from(archived).toString();
    // Anything else is an alarm, once it is compared.
    return { size, note: isNoteWithMlDsa(longer, note) ? longer : note };
  }

  /** True if the trail was never sealed, or holds records of an earlier day that were not. */
  #sealIsDue({ size, sealed, unsealedSince }: ArchiveState): boolean {
    if (size === (sealed?.size ?? 0)) return false;
    if (sealed === undefined) return true;
    return unsealedSince !== undefined && this.#isEarlierDay(unsealedSince);
  }

  #isEarlierDay(milliseconds: number): boolean {
    return utcDate(milliseconds) < utcDate(this.#stores.now());
  }

  /** The records beyond a size; undefined where there are none. */
  async #pending(trail: string, size: number): Promise<Pending | undefined> {
    const count = ((await this.#stores.ledger.head(trail))?.size ?? 0) - size;
    if (count > 0) return { count, oldest: await this.#oldestPending(trail, size) };
    this.#oldest.delete(trail);
    return undefined;
  }

  async #oldestPending(trail: string, seq: number): Promise<Oldest> {
    const known = this.#oldest.get(trail);
    if (known?.seq === seq) return known;
    for await (const { receivedAt, lines } of this.#stores.ledger.blocks(trail, { from: seq, to: seq + 1 })) {
      const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
      const oldest = { seq, receivedAt, seenAt: this.#stores.now(), meanBytes: bytes / lines.length };
      this.#oldest.set(trail, oldest);
      return oldest;
    }
    throw new SealtrailError('store_corrupt', `record ${seq} of trail ${trail} is missing from the ledger`);
  }
}
