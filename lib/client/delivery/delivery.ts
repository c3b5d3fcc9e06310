import type { Receipt } from '../../contract/receipt.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseVkey } from '../../log/note.ts';
import { parseRecord } from '../../log/record.ts';
import { checkReceipt, readReceipt, type Trust } from '../event/receipt.ts';
import { asError } from '../event/sink.ts';
import type { SignedHttp } from '../http/http.ts';
import { fetchKeys, LogView, type NamedKey } from '../read/log-view.ts';
import { KeptCheckpoint } from './kept-checkpoint.ts';
import { eventsOf } from './rejection.ts';
import { differenceFromSent } from './sealed-event-diff.ts';
import type { Batch } from './spool.ts';

/** The dependencies of {@link Delivery}. */
export interface DeliveryOptions {
  readonly http: SignedHttp;
  readonly trail: string;
  /**
   * Vkeys. Without them those that the server names are trusted, and asked for again when none of them has signed: keys
   * are rotated while clients run. No matter who signs, the history must go on from what was seen.
   */
  readonly keys: readonly string[] | undefined;
  /** The file in which the newest checkpoint seen is kept. */
  readonly checkpoint: string | undefined;
  /** Called where it cannot be kept: that keeps nothing from being sent. */
  readonly onError: (error: Error) => void;
}

/** A sender of batches: a {@link Delivery}, or a stand-in. */
export type Deliverer = Pick<Delivery, 'send' | 'close'>;

/** How often the kept checkpoint is compared with and replaced, at most. */
const EXCHANGE_MS = 1000;

/** Appends batches to a trail and checks each receipt: signature, inclusion, one history, and that what is sealed is what was sent. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #view: LogView;
  readonly #kept: KeptCheckpoint | undefined;
  #trust: Trust | undefined;
  #newestNote: string | undefined;
  #exchangedAt = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#view = new LogView(options.http, options.trail);
    this.#kept = options.checkpoint === undefined ? undefined : new KeptCheckpoint(options.checkpoint);
  }

  /**
   * Sends a batch once. Calls must not overlap.
   *
   * @throws what `isRefusal` or `isForgery` tells; anything else: try again, under the same key
   */
  async send(batch: Batch, signal: AbortSignal): Promise<Receipt> {
    const { http, trail } = this.#options;
    const answer = await http.send({
      method: 'POST',
      path: `/v1/trails/${trail}/events`,
      headers: { 'idempotency-key': batch.key, prefer: 'return=representation, handling=lenient' },
      body: batch.body,
      signal,
    });
    const receipt = readReceipt(answer.json());
    const checkpoint = await this.#check(receipt, batch, signal);
    if (receipt.lines === undefined) throw new SealtrailError('proof_mismatch', 'the server left the records out');
    for (const [i, event] of eventsOf(batch).entries()) assertAsSent(event, receipt.lines[i] ?? '');
    if (checkpoint !== undefined) await this.#see(checkpoint, receipt.checkpoint ?? '');
    return receipt;
  }

  /** Keeps the newest checkpoint for the next process. @throws as `send` where it contradicts what others have kept */
  async close(): Promise<void> {
    await this.#exchange();
  }

  /** @throws `proof_mismatch`, with the checkpoint kept beside the one that it contradicts; the server's errors */
  async #see(checkpoint: Checkpoint, note: string): Promise<void> {
    if (this.#exchangedAt === 0) await this.#exchange();
    try {
      await this.#view.extend(checkpoint);
    } catch (error) {
      if (error instanceof SealtrailError && error.code === 'proof_mismatch') await this.#accuse(note);
      throw error;
    }
    if (this.#view.newest === checkpoint) this.#newestNote = note;
    if (Date.now() - this.#exchangedAt >= EXCHANGE_MS) await this.#exchange();
  }

  async #exchange(): Promise<void> {
    try {
      await this.#kept?.exchange(this.#view, this.#newestNote);
    } catch (error) {
      // What the log says counts, and what the disk says does not keep an event from being sent.
      if (error instanceof SealtrailError && error.code !== 'store_corrupt') throw error;
      this.#options.onError(asError(error));
    }
    this.#exchangedAt = Date.now();
  }

  async #accuse(note: string): Promise<void> {
    await this.#kept?.accuse(note).catch((error: unknown) => this.#options.onError(asError(error)));
  }

  async #check(receipt: Receipt, { count }: Batch, signal: AbortSignal): Promise<Checkpoint | undefined> {
    const { trail, keys } = this.#options;
    const isFirst = this.#trust === undefined;
    this.#trust ??= await this.#loadTrust(signal);
    try {
      return checkReceipt(receipt, { trail, count }, this.#trust);
    } catch (error) {
      const isRotated = error instanceof SealtrailError && error.code === 'bad_signature';
      if (!isRotated || isFirst || keys !== undefined) throw error;
      this.#trust = await this.#loadTrust(signal);
      return checkReceipt(receipt, { trail, count }, this.#trust);
    }
  }

  async #loadTrust(signal: AbortSignal): Promise<Trust> {
    const { http, trail, keys: given } = this.#options;
    const keys: readonly NamedKey[] =
      given?.map((key) => ({ verifier: parseVkey(key) })) ?? (await fetchKeys(http, [trail], signal));
    return (origin, size) =>
      keys.filter(({ verifier, to = size }) => verifier.name === origin && size <= to).map(({ verifier }) => verifier);
  }
}

function assertAsSent(sent: unknown, line: string): void {
  const record = parseRecord(line);
  const path = differenceFromSent(sent, record.event);
  if (path === undefined) return;
  const message = `record ${record.seq} is not as it was sent: ${path === '' ? 'it' : `its field ${path}`} differs`;
  throw new SealtrailError('proof_mismatch', message);
}
