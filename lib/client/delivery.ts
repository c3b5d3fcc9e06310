import { createHash } from 'node:crypto';
import { SealtrailError } from '../log/error.ts';
import { parseVkey } from '../log/note.ts';
import { parseRecord } from '../log/record.ts';
import { differenceFromSent } from './as-sent.ts';
import { typeName } from './event-types.ts';
import type { SignedHttp } from './http.ts';
import { fetchKeys, LogView } from './log-view.ts';
import { checkReceipt, type Receipt, readReceipt, type Trust } from './receipt.ts';
import type { Batch } from './spool.ts';

/** Answers after which the same batch can never succeed. Anything else may pass: a network, a right, a key. */
const REFUSED: ReadonlySet<string> = new Set([
  'invalid_json',
  'invalid_event',
  'record_too_large',
  'batch_too_large',
  'idempotency_conflict',
]);
/** What is wrong with a receipt, and with the log that gave it. */
const FORGED: ReadonlySet<string> = new Set(['proof_mismatch', 'bad_signature', 'malformed_record']);

/** Whether the log refuses a batch for good. */
export const isRefusal = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && REFUSED.has(error.code);
/** Whether a receipt does not prove what it says. */
export const isForgery = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && FORGED.has(error.code);

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
   * @throws what {@link isRefusal} or {@link isForgery} tells; anything else: try again, under the same key
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

/** The events of a batch's body. */
export function eventsOf({ body }: Batch): readonly Readonly<Record<string, unknown>>[] {
  return JSON.parse(body).events;
}

/** A batch of these events under a key that follows from the key before and the events: made again, it is the same batch. */
function follow(batch: Batch, events: readonly unknown[]): Batch {
  const body = JSON.stringify({ events });
  return { key: createHash('sha256').update(`${batch.key}\n${body}`).digest('hex'), count: events.length, body };
}

/** What to send instead of a batch that was refused. */
export interface Instead {
  readonly batches: readonly Batch[];
  /** Position of the event that is not sent as it was, in the batch as it was. */
  readonly replaced?: number;
}

/**
 * What to send instead of a refused batch: the same with the event at fault replaced by an `audit.invalid_event` that
 * says why, or two halves where the answer names none. Undefined where nothing is left to try.
 */
export function instead(batch: Batch, error: SealtrailError): Instead | undefined {
  const events = eventsOf(batch);
  const named = /^events\[(\d+)\]/.exec(error.field ?? error.message)?.[1];
  if (named === undefined && events.length > 1) {
    const half = events.length >> 1;
    return { batches: [follow(batch, events.slice(0, half)), follow(batch, events.slice(half))] };
  }
  const replaced = Number(named ?? 0);
  const event = events[replaced];
  if (event === undefined || event.type === 'audit.invalid_event') return undefined;
  const note = invalidEvent(event, error.message.replace(/^events\[\d+\][.:]?\s*/, ''));
  return {
    batches: [
      follow(
        batch,
        events.map((one, i) => (i === replaced ? note : one)),
      ),
    ],
    replaced,
  };
}

/** What is logged in place of an event that cannot be: the reason, and nothing of the event but its type. */
export function invalidEvent(event: unknown, reason: string): Record<string, unknown> {
  const fields: Readonly<Record<string, unknown>> = typeof event === 'object' && event !== null ? { ...event } : {};
  const type = typeof fields.type === 'string' ? fields.type.slice(0, 128).toWellFormed() : undefined;
  const id =
    typeof fields.id === 'string' && /^(?!\d+$)[A-Za-z0-9][\w.:~@=+-]{0,127}$/.test(fields.id) ? fields.id : undefined;
  return {
    type: 'audit.invalid_event',
    severity: 'error',
    ...(id === undefined ? {} : { id }),
    description: reason.slice(0, 1000).toWellFormed(),
    ...(type === undefined ? {} : { details: { type } }),
  };
}
