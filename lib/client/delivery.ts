import { SealtrailError } from '../log/error.ts';
import { parseVkey } from '../log/note.ts';
import { parseRecord } from '../log/record.ts';
import { differenceFromSent } from './as-sent.ts';
import { typeName } from './event-types.ts';
import type { SignedHttp } from './http.ts';
import { fetchKeys, LogView } from './log-view.ts';
import { checkReceipt, type Receipt, readReceipt, type Trust } from './receipt.ts';
import { eventsOf } from './refusal.ts';
import type { Batch } from './spool.ts';

/** Appends batches to a trail and checks each receipt: signature, inclusion, one history, and that what is sealed is what was sent. */
export class Delivery {
  readonly #http: SignedHttp;
  readonly #trail: string;
  readonly #keys: readonly string[] | undefined;
  readonly #view: LogView;
  #trust: Trust | undefined;

  /** @param keys vkeys; without them those that the server names are trusted, from the first time on */
  constructor(http: SignedHttp, trail: string, keys: readonly string[] | undefined) {
    this.#http = http;
    this.#trail = trail;
    this.#keys = keys;
    this.#view = new LogView(http, trail);
  }

  /**
   * Sends a batch once. Calls must not overlap.
   *
   * @throws what `isRefusal` or `isForgery` tells; anything else: try again, under the same key
   */
  async send(batch: Batch, signal: AbortSignal): Promise<Receipt> {
    const answer = await this.#http.send({
      method: 'POST',
      path: `/v1/trails/${this.#trail}/events`,
      headers: { 'idempotency-key': batch.key, prefer: 'return=representation' },
      body: batch.body,
      signal,
    });
    const receipt = readReceipt(answer.json());
    this.#trust ??= await this.#loadTrust(signal);
    const checkpoint = checkReceipt(receipt, { trail: this.#trail, count: batch.count }, this.#trust);
    if (receipt.lines === undefined) throw new SealtrailError('proof_mismatch', 'the server left the records out');
    for (const [i, event] of eventsOf(batch).entries()) demandAsSent(event, receipt.lines[i] ?? '');
    if (checkpoint !== undefined) await this.#view.extend(checkpoint);
    return receipt;
  }

  async #loadTrust(signal: AbortSignal): Promise<Trust> {
    const keys = this.#keys?.map((key) => parseVkey(key)) ?? (await fetchKeys(this.#http, [this.#trail], signal));
    return (origin) => keys.filter(({ name }) => name === origin);
  }
}

function demandAsSent(sent: unknown, line: string): void {
  const record = parseRecord(line);
  const path = differenceFromSent(sent, record.event, (type) => typeName(type) ?? type);
  if (path === undefined) return;
  const message = `record ${record.seq} is not as it was sent: ${path === '' ? 'it' : `its field ${path}`} differs`;
  throw new SealtrailError('proof_mismatch', message);
}
