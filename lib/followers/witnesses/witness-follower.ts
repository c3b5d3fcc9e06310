import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { moveWatermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { witnessedName } from '../../log/archive.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Policy } from '../../log/policy.ts';
import { type NodeReader, proveConsistency } from '../../log/tree.ts';
import type { Objects, Table } from '../../store/ports.ts';
import { type ArchiveStores, retentionFrom } from '../archive/archive-records.ts';
import { readArchiveState } from '../archive/archive-state.ts';
import { putOnce } from '../archive/archive-writer.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import type { Send } from './witness-client.ts';
import { conflictText, recordConflict } from './witness-record.ts';
import type { Round } from './witness-round.ts';
import { attributesOfState, readWitnessState, WITNESSES, type WitnessState } from './witness-state.ts';

/** How witnesses are asked. */
export interface WitnessSettings {
  /** Who they are, where, and how many are enough. */
  readonly policy: Policy;
  /** The least time between two checkpoints that they are asked for, in milliseconds. @default 15,000 */
  readonly everyMs?: number;
  /** How long a record of `_heads` may be without a quorum before that is an alarm, in milliseconds. @default 600,000 */
  readonly alarmMs?: number;
}

/** The dependencies of {@link WitnessFollower}. */
export interface WitnessFollowerOptions extends Pick<ArchiveStores, 'lockFor'> {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'head' | 'blocks' | 'exactCheckpoint' | 'append'>;
  readonly nodes: (trail: string) => NodeReader;
  /** @default no witness is asked */
  readonly settings?: WitnessSettings;
  /** @default over HTTP */
  readonly send?: Send;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** How far the witnesses have come. */
export interface WitnessStatus {
  /** Records of `_heads`. */
  readonly size: number;
  /** Those of them that a quorum has cosigned. */
  readonly witnessed: number;
  /** Milliseconds that the oldest of the others has been waiting; 0: there is none. */
  readonly lagMs: number;
  readonly witnesses: readonly {
    /** As in the policy. */
    readonly name: string;
    /** The size that it cosigned last. */
    readonly size: number;
    /** Why it did not answer, or how it contradicts the log. */
    readonly error?: string;
    readonly conflict?: string;
  }[];
}

const AWAIT_ARCHIVER_MS = 1_000;

/**
 * Has witnesses cosign the archived checkpoints of `_heads` (C2SP tlog-witness), and archives each that a quorum of the policy
 * has cosigned. Nothing waits for it: what dead, slow or lying witnesses cost is lag, which {@link status} shows.
 */
export class WitnessFollower implements Follower {
  readonly name = WITNESSES;
  readonly #options: WitnessFollowerOptions;
  readonly #now: () => number;
  #revisit: number | undefined;
  #alarmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: WitnessFollowerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * After a crash the same checkpoint is submitted again, which every witness answers again.
   *
   * @throws `history_conflict` when a witness holds another history: an alarm, once recorded in `_system`; `not_witnessed` when
   *   no quorum was reached for too long: an alarm, repeated as rarely; `object_differs`: someone else wrote the archive;
   *   `store_corrupt`; the errors of the stores and of the append to `_system`
   */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    const { settings } = this.#options;
    if (settings === undefined || trail !== HEADS_TRAIL) return;
    this.#revisit = undefined;
    const before = await readWitnessState(this.#options.table);
    const { size } = await readArchiveState(this.#options.table, HEADS_TRAIL);
    if (size <= before.size) {
      const head = (await this.#options.ledger.head(HEADS_TRAIL))?.size ?? 0;
      if (head > size) this.#revisit = AWAIT_ARCHIVER_MS;
    } else await this.#goOn(before, size, settings);
    if (signal?.aborted !== true) await this.#assertNoLag(settings);
  }

  revisit(trail: string): number | undefined {
    return trail === HEADS_TRAIL ? this.#revisit : undefined;
  }

  /** @throws the Table's errors, `store_corrupt` */
  async status(): Promise<WitnessStatus> {
    const { table, ledger, settings } = this.#options;
    const { size: witnessed, witnesses } = await readWitnessState(table);
    const size = (await ledger.head(HEADS_TRAIL))?.size ?? 0;
    const list = (settings?.policy.witnesses ?? []).filter(({ url }) => url !== undefined);
    return {
      ...{ size, witnessed, lagMs: size > witnessed ? await this.#readAge(witnessed) : 0 },
      witnesses: list.map(({ name, cosigner: { vkey } }) => {
        const { size: cosigned = 0, error, conflict } = witnesses[vkey] ?? {};
        return {
          name,
          size: cosigned,
          ...(error !== undefined && { error }),
          ...(conflict !== undefined && { conflict }),
        };
      }),
    };
  }

  async #readAge(seq: number): Promise<number> {
    const { ledger } = this.#options;
    for await (const { receivedAt } of ledger.blocks(HEADS_TRAIL, { from: seq, to: seq + 1 })) {
      return Math.max(0, this.#now() - receivedAt);
    }
    return 0;
  }

  async #goOn(before: WitnessState, size: number, { policy, everyMs = 15_000 }: WitnessSettings): Promise<void> {
    const now = this.#now();
    const early = before.witnessedAt + everyMs - now;
    if (early > 0) {
      this.#revisit = early;
      return;
    }
    // Only where witnesses are asked: a function that starts cold reads less.
    const { dueWitnesses, runRound, sendOverHttp } = await import('./witness-round.ts');
    const { due, nextAt } = dueWitnesses(policy, before, size, now);
    if (due.length === 0) {
      if (Number.isFinite(nextAt)) this.#revisit = nextAt - now;
      return;
    }
    const { table, ledger, nodes, send = sendOverHttp } = this.#options;
    const checkpoint = await this.#checkpointAt(size);
    const round = await runRound(checkpoint, due, before, {
      ...{ policy, send, now },
      proofFrom: (from) => proveConsistency(from, size, nodes(HEADS_TRAIL)),
      headSize: async () => (await ledger.head(HEADS_TRAIL))?.size ?? 0,
    });
    const kept = round.note === undefined ? round : await this.#archived(round, round.note, policy);
    const fresh = kept.conflicts.filter(
      ({ witness: { cosigner, name }, conflict }) =>
        before.witnesses[cosigner.vkey]?.conflict !== conflictText(name, conflict),
    );
    for (const { witness, conflict } of fresh) {
      const { name, url, cosigner } = witness;
      await recordConflict(ledger, { name, url, vkey: cosigner.vkey }, conflict, checkpoint);
    }
    await moveWatermark(table, before.mark, { size: kept.state.size, state: attributesOfState(kept.state) });
    const left = dueWitnesses(policy, kept.state, size, now);
    if (round.note === undefined) this.#revisit = left.due.length > 0 ? 0 : Math.max(0, left.nextAt - now);
    if (fresh[0] !== undefined) {
      throw new SealtrailError('history_conflict', conflictText(fresh[0].witness.name, fresh[0].conflict));
    }
  }

  async #checkpointAt(size: number): Promise<string> {
    const checkpoint = await this.#options.ledger.exactCheckpoint(HEADS_TRAIL, size);
    if (checkpoint !== undefined) return checkpoint.note;
    const message = `the checkpoint of ${HEADS_TRAIL} at size ${size} is archived, and gone from the ledger`;
    throw new SealtrailError('store_corrupt', message);
  }

  /** Archives the cosigned checkpoint. If a process before this one did, its lines count: nothing is overwritten. */
  async #archived(round: Round, note: string, policy: Policy): Promise<Round> {
    const { objects, table, lockFor } = this.#options;
    const name = witnessedName(HEADS_TRAIL, round.state.size);
    const retention = await retentionFrom({ table, now: this.#now, ...(lockFor && { lockFor }) }, HEADS_TRAIL);
    try {
      await putOnce(objects, name, Buffer.from(note), retention);
      return round;
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'object_differs') throw error;
      const { isWitnessed } = await import('./witness-round.ts');
      const stored = Buffer.from((await objects.get(name)) ?? new Uint8Array()).toString();
      if (!isWitnessed(policy, stored, note)) throw error;
      return { ...round, state: { ...round.state, note: stored }, note: stored };
    }
  }

  /** @throws `not_witnessed` when the lag is an alarm */
  async #assertNoLag({ policy, alarmMs = 600_000 }: WitnessSettings): Promise<void> {
    const now = this.#now();
    if (now - this.#alarmedAt < alarmMs) return;
    const { lagMs, witnesses } = await this.status();
    if (lagMs < alarmMs) return;
    this.#alarmedAt = now;
    const why = witnesses.flatMap(({ name, error, conflict }) => {
      const reason = conflict ?? error;
      return reason === undefined ? [] : [`${name}: ${reason}`];
    });
    const quorum = policy.quorum.is === 'none' ? 'no witness' : `the quorum ${policy.quorum.name}`;
    const message = `for ${Math.round(lagMs / 1000)} seconds witnesses have not cosigned the newest heads (${quorum}). ${why.join('; ')}`;
    throw new SealtrailError('not_witnessed', message);
  }
}
