import * as z from 'zod';
import { type BackOff, pauseMs } from '../../base/backoff.ts';
import { defined } from '../../base/defined.ts';
import { isPlainUrl } from '../../base/http.ts';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { checkpointName, timestampName } from '../../log/archive.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Objects, Table } from '../../store/ports.ts';
import { type ArchiveStores, retentionFrom } from '../archive/archive-records.ts';
import { readArchiveState } from '../archive/archive-state.ts';
import { putOnce } from '../archive/archive-writer.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import type { SendRequest, TimestampService } from './ask-service.ts';

/** How seals are time-stamped. */
export interface TimestampSettings extends TimestampService {
  /** How long a seal may be without a time-stamp before that is an alarm, in milliseconds. @default 21,600,000 */
  readonly alarmMs?: number;
}

/** The dependencies of {@link Timestamper}. */
interface TimestamperOptions extends Pick<ArchiveStores, 'lockFor'> {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'head'>;
  /** @default nothing is time-stamped */
  readonly settings?: TimestampSettings;
  /** @default over HTTP */
  readonly send?: SendRequest;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** How far the time-stamps of a trail have come. */
export interface TimestampStatus {
  /** Records of the newest seal, and of the newest that has a time-stamp. */
  readonly sealed: number;
  readonly stamped: number;
  /** Milliseconds since the service was first asked in vain for the newest seal's; 0: it was not. */
  readonly lagMs: number;
  /** Why it was in vain. */
  readonly error?: string;
}

/** Stored as part of the watermark's key: not to be renamed. */
const TIMESTAMPS = 'timestamps';
const BACK_OFF: BackOff = { firstMs: 5_000, maxMs: 900_000, jitter: 0.5 };
/** How soon to look again whether a new trail was sealed. */
const AWAIT_SEAL_MS = 1_000;

const count = z.int().nonnegative();
/** Beside the watermark, while a seal waits in vain. */
const waiting = z.strictObject({
  /** Since when, and when the service is asked again, Unix milliseconds. */
  since: count.optional(),
  tryAt: count.optional(),
  failures: count.optional(),
  error: z.string().optional(),
});
type Waiting = z.infer<typeof waiting>;

/** @throws `invalid_parameter` */
export function assertUsableService({ url }: TimestampService): void {
  if (isPlainUrl(url)) return;
  throw new SealtrailError(
    'invalid_parameter',
    `the URL of the time-stamping service, ${JSON.stringify(url)}, is not one of HTTP without a user`,
  );
}

/**
 * Archives a time-stamp (RFC 3161) over the checkpoint of each seal, as `<trail>/checkpoints/<size>.tsr`: what was sealed existed
 * by then, whatever becomes of the log's key. Nothing waits for it: what a dead service costs is lag, which {@link status} shows.
 */
export class Timestamper implements Follower {
  readonly name = TIMESTAMPS;
  readonly #options: TimestamperOptions;
  readonly #now: () => number;
  readonly #revisit = new Map<string, number>();
  readonly #alarmedAt = new Map<string, number>();

  constructor(options: TimestamperOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * A crash after the time-stamp was archived finds it again, and asks the service once too often.
   *
   * @throws the errors of the stores; `object_differs` if something else stands in the place of the time-stamp: an alarm;
   *   `unavailable` when the lag is one
   */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    this.#revisit.delete(trail);
    const { table, ledger, settings } = this.#options;
    if (settings === undefined) return;
    const { mark, since, tryAt = 0, failures = 0 } = await this.#read(trail);
    const { sealed } = await readArchiveState(table, trail);
    if (sealed === undefined) {
      if ((await ledger.head(trail)) !== undefined) this.#revisit.set(trail, AWAIT_SEAL_MS);
      return;
    }
    if (sealed.size <= mark.size || signal?.aborted === true) return;
    const now = this.#now();
    if (tryAt > now) this.#revisit.set(trail, tryAt - now);
    else {
      const failed = await this.#stamp(trail, sealed.size, mark, settings);
      if (failed === undefined) return;
      const pause = Math.ceil(pauseMs(failures + 1, BACK_OFF));
      const state = { since: since ?? now, tryAt: now + pause, failures: failures + 1, error: failed };
      await moveWatermark(table, mark, { size: mark.size, state });
      this.#revisit.set(trail, pause);
    }
    await this.#assertNoLag(trail, settings);
  }

  revisit(trail: string): number | undefined {
    return this.#revisit.get(trail);
  }

  /** @throws the Table's errors, `store_corrupt` */
  async status(trail: string): Promise<TimestampStatus> {
    const { mark, since, error } = await this.#read(trail);
    const sealed = (await readArchiveState(this.#options.table, trail)).sealed?.size ?? 0;
    const isLate = sealed > mark.size && since !== undefined;
    return {
      ...{ sealed, stamped: mark.size, lagMs: isLate ? Math.max(0, this.#now() - since) : 0 },
      ...(isLate && defined({ error })),
    };
  }

  /** @returns why there is no time-stamp */
  async #stamp(trail: string, size: number, mark: Watermark, settings: TimestampSettings): Promise<string | undefined> {
    const { table, objects, lockFor, send } = this.#options;
    // Only where seals are time-stamped: a function that starts cold reads less.
    const { askService, isTimestamp, sendOverHttp } = await import('./ask-service.ts');
    const checkpoint = await objects.get(checkpointName(trail, size));
    if (checkpoint === undefined) {
      throw new SealtrailError('store_corrupt', `the archive has no ${checkpointName(trail, size)}, which was sealed`);
    }
    const asked = await askService(settings, checkpoint, send ?? sendOverHttp);
    if ('failed' in asked) return asked.failed;
    const name = timestampName(trail, size);
    const retention = await retentionFrom({ table, now: this.#now, ...(lockFor && { lockFor }) }, trail);
    try {
      await putOnce(objects, name, asked.response, retention);
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'object_differs') throw error;
      // Each answer is another one: a process before this one may have archived its own.
      const stored = await objects.get(name);
      if (stored === undefined || !(await isTimestamp(settings, stored, checkpoint))) {
        // Nothing can be put in its place: the next seal's is due.
        await moveWatermark(table, mark, { size, state: {} });
        throw error;
      }
    }
    await moveWatermark(table, mark, { size, state: {} });
    return undefined;
  }

  async #read(trail: string): Promise<Waiting & { readonly mark: Watermark }> {
    const mark = await readWatermark(this.#options.table, trail, TIMESTAMPS);
    const parsed = waiting.safeParse(mark.state);
    if (parsed.success) return { mark, ...parsed.data };
    const message = `the state of the time-stamps of trail ${trail} is not readable`;
    throw new SealtrailError('store_corrupt', message, { cause: parsed.error });
  }

  /** @throws `unavailable` when the lag is an alarm */
  async #assertNoLag(trail: string, { url, alarmMs = 21_600_000 }: TimestampSettings): Promise<void> {
    const now = this.#now();
    if (now - (this.#alarmedAt.get(trail) ?? Number.NEGATIVE_INFINITY) < alarmMs) return;
    const { lagMs, error = '' } = await this.status(trail);
    if (lagMs < alarmMs) return;
    this.#alarmedAt.set(trail, now);
    const message = `for ${Math.round(lagMs / 1000)} seconds there has been no time-stamp for the newest seal of ${trail}: ${url} ${error}`;
    throw new SealtrailError('unavailable', message);
  }
}
