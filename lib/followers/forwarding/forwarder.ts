import { randomUUID } from 'node:crypto';
import { pauseMs } from '../../base/backoff.ts';
import type { Batch, Delivery, Destination, Refusal } from '../../forward/destination.ts';
import { happenedAt, recordEncoder } from '../../forward/formats/encode.ts';
import { failureOf } from '../../forward/http.ts';
import { type DestinationSettings, isForwarded } from '../../forward/settings.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import type { NodeReader } from '../../log/tree.ts';
import type { RecordTest } from '../../question/tests.ts';
import type { Table } from '../../store/ports.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { newestSigned, type Passing, proofOf, readCut } from './batch-source.ts';
import { type Delivered, deliver } from './deliver.ts';
import { firstOf } from './first-record.ts';
import { type ForwardState, forwardName, readForwardState, storeForwardState } from './forward-state.ts';
import { recordSetAside } from './set-aside.ts';

/** The dependencies of {@link Forwarder}. */
export interface ForwarderOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'head' | 'blocks' | 'record' | 'checkpoint' | 'append' | 'trails'>;
  readonly nodes: (trail: string) => NodeReader;
  readonly logName: string;
  readonly settings: DestinationSettings;
  /** Made at the first batch. */
  readonly destination: () => Destination | Promise<Destination>;
  /** The test of the settings' filter in a trail; undefined: every record passes. */
  readonly passes: (trail: string) => Promise<RecordTest | undefined>;
  /** True if no other process forwards: what a process before this one was sending need not be waited for. @default false */
  readonly isAlone?: boolean;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** How far a destination has come in a trail. */
export interface ForwardStatus {
  readonly destination: string;
  readonly trail: string;
  /** Records of the trail. */
  readonly size: number;
  /** Those that are done: taken, set aside, or not let pass by the filter. */
  readonly forwarded: number;
  readonly sent: number;
  readonly aside: number;
  /** Milliseconds that the oldest of the others has been waiting; 0: there is none. */
  readonly lagMs: number;
  /** Why the newest try failed; absent where it did not, or this process has not tried. */
  readonly error?: string;
}

const RUN_STEPS = 50;
const BACK_OFF = { firstMs: 500, maxMs: 60_000, jitter: 0.5 };
/** A record that no checkpoint covers yet is signed within a second or so. */
const AWAIT_SIGNATURE_MS = 500;
const DEFAULT_ALARM_S = 900;
const DEFAULT_TIMEOUT_S = 10;

/** Failed tries of a trail in a row, and when the next one may be. */
interface Failures {
  readonly count: number;
  readonly until: number;
  readonly reason: string;
}

/**
 * Forwards the signed records of trails to one destination: at least once, in order, each batch beginning where the one before
 * ended. What is sent is decided durably before it is sent, so that a batch that is sent again is the same one. Nothing waits for
 * it: what a slow or dead destination costs is lag, which {@link status} shows.
 */
export class Forwarder implements Follower {
  readonly name: string;
  readonly #options: ForwarderOptions;
  readonly #now: () => number;
  readonly #id = randomUUID();
  readonly #failures = new Map<string, Failures>();
  readonly #revisit = new Map<string, number>();
  readonly #alarmedAt = new Map<string, number>();
  #destination: Promise<Destination> | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.name = forwardName(options.settings.name);
  }

  /**
   * @throws `unavailable` when a record has been waiting for too long: an alarm, repeated as rarely; `store_corrupt` where the
   *   stored tree does not prove the records; the errors of the stores and of the append to `_system`
   */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    if (!this.isFor(trail)) return;
    this.#revisit.delete(trail);
    const pause = (this.#failures.get(trail)?.until ?? 0) - this.#now();
    if (pause > 0) this.#revisit.set(trail, pause);
    else await this.#goOn(trail, signal);
    if (signal?.aborted !== true) await this.#assertNoLag(trail);
  }

  revisit(trail: string): number | undefined {
    return this.#revisit.get(trail);
  }

  /** True if the destination gets a trail. */
  isFor(trail: string): boolean {
    return isForwarded(this.#options.settings, trail);
  }

  /** @throws the Table's errors, `store_corrupt` */
  async statusOf(trail: string): Promise<ForwardStatus> {
    const { table, ledger, settings } = this.#options;
    const { state } = await readForwardState(table, trail, settings.name);
    const size = (await ledger.head(trail))?.size ?? 0;
    const { size: forwarded, sent, aside } = state ?? { size: 0, sent: 0, aside: 0 };
    const error = this.#failures.get(trail)?.reason;
    const lagMs = size > forwarded ? await this.#ageOf(trail, forwarded) : 0;
    return {
      ...{ destination: settings.name, trail, size, forwarded, sent, aside, lagMs },
      ...(error !== undefined && { error }),
    };
  }

  /** How far the destination has come in each of its trails. @throws the Table's errors, `store_corrupt` */
  async *status(): AsyncGenerator<ForwardStatus, void, void> {
    for await (const trail of this.#options.ledger.trails()) if (this.isFor(trail)) yield await this.statusOf(trail);
  }

  async #goOn(trail: string, signal: AbortSignal | undefined): Promise<void> {
    let state = await this.#begun(trail);
    for (let step = 0; state !== undefined; step++) {
      if (signal?.aborted === true) return;
      if (step === RUN_STEPS) {
        this.#revisit.set(trail, 0);
        return;
      }
      state = await this.#step(trail, state);
    }
  }

  /** The stored state, or that of a beginning; undefined where there is nothing to forward, or another process is at it. */
  async #begun(trail: string): Promise<ForwardState | undefined> {
    const { table, ledger, settings } = this.#options;
    const { mark, state } = await readForwardState(table, trail, settings.name);
    const from = String(settings.from ?? 0);
    if (state !== undefined && state.from === from) return state;
    const size = await firstOf(ledger, trail, settings.from ?? 0);
    if (size === undefined) return undefined;
    const { sent = 0, aside = 0 } = state ?? {};
    return storeForwardState(table, { mark, size, from, sentTo: size, sent, aside });
  }

  /** Sends one batch. @returns the state to go on from; undefined: not now */
  async #step(trail: string, state: ForwardState): Promise<ForwardState | undefined> {
    const { table, ledger } = this.#options;
    const now = this.#now();
    const { pending, size } = state;
    const isMine = pending === undefined || pending.by === this.#id || this.#options.isAlone === true;
    if (!isMine && pending.until > now) {
      this.#revisit.set(trail, pending.until - now);
      return undefined;
    }
    const signed = await newestSigned(ledger, trail);
    const end = signed?.checkpoint.size ?? 0;
    const to = pending !== undefined && pending.to > size ? pending.to : end;
    if (signed === undefined || end <= size || to > end) {
      if (((await ledger.head(trail))?.size ?? 0) > size) this.#revisit.set(trail, AWAIT_SIGNATURE_MS);
      return undefined;
    }
    const destination = await this.#open();
    // By the same settings a pending batch is cut as before, and by others it is no larger than they say.
    const passes = await this.#options.passes(trail);
    const cut = await readCut(ledger, trail, { from: size, end: to }, passes, this.#limits(destination));
    if (cut.passing.length === 0) {
      const { pending: _, ...rest } = state;
      return storeForwardState(table, { ...rest, size: cut.to });
    }
    const claim = { to: cut.to, until: now + this.#timeoutMs() * 3, by: this.#id };
    const claimed = await storeForwardState(table, { ...state, pending: claim });
    if (claimed === undefined) return undefined;
    const outcome = await this.#deliver(trail, claimed, cut.passing, destination, signed);
    return outcome.is === 'done'
      ? this.#done(trail, claimed, cut.to, cut.passing.length, outcome.refused)
      : this.#failed(trail, claimed, outcome);
  }

  async #done(trail: string, claimed: ForwardState, to: number, count: number, refused: readonly Refusal[]) {
    const { table, ledger, settings } = this.#options;
    // Before the watermark moves: none is passed over without a record of it.
    for (const one of refused) await recordSetAside(ledger, settings.name, trail, one);
    this.#failures.delete(trail);
    const { pending: _, ...rest } = claimed;
    const sent = claimed.sent + count - refused.length;
    return storeForwardState(table, { ...rest, size: to, sentTo: to, sent, aside: claimed.aside + refused.length });
  }

  async #failed(
    trail: string,
    claimed: ForwardState,
    failed: Delivered & { readonly is: 'failed' },
  ): Promise<undefined> {
    const { count = 0 } = this.#failures.get(trail) ?? {};
    const pause = Math.max(pauseMs(count + 1, BACK_OFF), failed.retryAfterMs ?? 0);
    this.#failures.set(trail, { count: count + 1, until: this.#now() + pause, reason: failed.reason });
    this.#revisit.set(trail, pause);
    const { pending, ...rest } = claimed;
    const kept = pending === undefined || failed.refusesAll ? {} : { pending: { ...pending, until: 0 } };
    await storeForwardState(this.#options.table, { ...rest, ...kept });
    return undefined;
  }

  async #deliver(
    trail: string,
    state: ForwardState,
    passing: readonly Passing[],
    destination: Destination,
    signed: NonNullable<Awaited<ReturnType<typeof newestSigned>>>,
  ): Promise<Delivered> {
    const { settings, logName, nodes } = this.#options;
    const { format = destination.format, proof = destination.proves, original = false, filter } = settings;
    const end = state.pending?.to ?? 0;
    const limit = destination.limits.recordBytes ?? destination.limits.bytes;
    const { items, refused } = encoded(passing, recordEncoder(format, this.#chainOf(trail, state, original)), limit);
    const send = async (part: readonly Encoded[]): Promise<Delivery> => {
      // Where one before it was refused, no batch covers that number: the receiver sees the gap.
      const before = items[items.findIndex(({ seq }) => seq === part[0]?.seq) - 1];
      const from = before === undefined ? state.sentTo : before.seq + 1;
      const to = part.at(-1) === items.at(-1) ? end : (part.at(-1)?.seq ?? 0) + 1;
      const shown = part.map((one) => one.passing);
      const batch: Batch = {
        id: batchId(logName, trail, settings.name, from, to),
        ...{ log: logName, trail, from, to, format, records: part },
        ...(filter && { filter }),
        ...(proof && { proof: await proofOf({ nodes }, trail, shown, signed) }),
      };
      try {
        return await destination.send(batch, AbortSignal.timeout(this.#timeoutMs()));
      } catch (error) {
        return { is: 'failed', reason: failureOf(error) };
      }
    };
    const outcome = await deliver(items, send);
    return outcome.is === 'done' ? { ...outcome, refused: [...refused, ...outcome.refused] } : outcome;
  }

  #chainOf(trail: string, state: ForwardState, original: boolean) {
    const { logName, settings } = this.#options;
    return { logName, original, chain: `${logName}/${trail}/${settings.name}/${state.sentTo}` };
  }

  #limits({ limits }: Destination): { readonly records: number; readonly bytes: number } {
    const { maxRecords = limits.records, maxBytes = limits.bytes } = this.#options.settings;
    return { records: Math.min(maxRecords, limits.records), bytes: Math.min(maxBytes, limits.bytes) };
  }

  #timeoutMs(): number {
    return (this.#options.settings.timeoutSeconds ?? DEFAULT_TIMEOUT_S) * 1000;
  }

  async #open(): Promise<Destination> {
    this.#destination ??= Promise.resolve(this.#options.destination());
    try {
      return await this.#destination;
    } catch (error) {
      this.#destination = undefined; // the next run tries again
      throw error;
    }
  }

  async #ageOf(trail: string, seq: number): Promise<number> {
    for await (const { receivedAt } of this.#options.ledger.blocks(trail, { from: seq, to: seq + 1 })) {
      return Math.max(0, this.#now() - receivedAt);
    }
    return 0;
  }

  /** @throws `unavailable` when the lag is an alarm */
  async #assertNoLag(trail: string): Promise<void> {
    const { settings } = this.#options;
    const alarmMs = (settings.alarmSeconds ?? DEFAULT_ALARM_S) * 1000;
    const now = this.#now();
    if (now - (this.#alarmedAt.get(trail) ?? Number.NEGATIVE_INFINITY) < alarmMs) return;
    const { lagMs, size, forwarded, error } = await this.statusOf(trail);
    if (lagMs < alarmMs) return;
    this.#alarmedAt.set(trail, now);
    const why = error === undefined ? '' : `: ${error}`;
    const message = `the destination ${settings.name} is ${Math.round(lagMs / 1000)} seconds and ${size - forwarded} records behind${why}`;
    throw new SealtrailError('unavailable', message);
  }
}

/** A record in the form of a destination. */
interface Encoded {
  readonly seq: number;
  readonly time: number;
  readonly text: string;
  readonly passing: Passing;
}

/** Encodes records. Those that cannot be, or are too large for the destination, are refused without being sent. */
function encoded(
  passing: readonly Passing[],
  encode: (line: string) => string,
  limit: number,
): { readonly items: readonly Encoded[]; readonly refused: readonly Refusal[] } {
  const items: Encoded[] = [];
  const refused: Refusal[] = [];
  for (const one of passing) {
    const { seq, line, record } = one;
    try {
      const text = encode(line);
      const bytes = Buffer.byteLength(text);
      if (bytes <= limit) items.push({ seq, text, time: happenedAt(record), passing: one });
      else refused.push({ seq, reason: `it has ${bytes} bytes, the destination takes ${limit}` });
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'malformed_record') throw error;
      refused.push({ seq, reason: `it cannot be encoded: ${error.message}` });
    }
  }
  return { items, refused };
}

/** Names a batch wherever it is sent from: it has no dot, since Standard Webhooks signs it with dots around it. */
const batchId = (log: string, trail: string, destination: string, from: number, to: number): string =>
  `${log}/${trail}/${destination}/${from}-${to}`.replaceAll('.', '_');
