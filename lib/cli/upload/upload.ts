import { differenceFromSent } from '../../client/delivery/sealed-event-diff.ts';
import { checkReceipt, readReceipt, type Trust } from '../../client/event/receipt.ts';
import type { SignedHttp } from '../../client/http/http.ts';
import { LogView } from '../../client/read/log-view.ts';
import type { Receipt } from '../../contract/receipt.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseJson } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';
import type { Batch, InputEvent } from './input.ts';

/** Options of an upload. */
export interface UploadOptions {
  readonly trail: string;
  /** Batch n (from 0) is sent under `<key>-<n>`, so that the same upload can be repeated after a failure. */
  readonly key: string;
  /** Concurrent requests. More than one is faster, but may change the order of events. */
  readonly parallel: number;
  /** The keys that verify receipts. */
  readonly trust: Trust;
  /** A checkpoint kept from earlier, which those of the receipts must extend, and its signed note. */
  readonly seen?: { readonly checkpoint: Checkpoint; readonly note: string };
  readonly signal: AbortSignal;
}

/** One batch, appended and checked. */
export interface Uploaded {
  readonly receipt: Receipt;
  /** The checkpoint that covers it; undefined if the log has not signed one yet. */
  readonly checkpoint: Checkpoint | undefined;
}

/** An unchecked receipt, and its events. */
interface Sent {
  readonly receipt: Receipt;
  readonly events: readonly InputEvent[];
}

/** Appends batches to a trail and checks the receipts. */
export class Upload {
  readonly #http: SignedHttp;
  readonly #options: UploadOptions;
  readonly #view: LogView;
  #index = 0;
  #newestNote: string | undefined;
  #unproven = 0;

  constructor(http: SignedHttp, options: UploadOptions) {
    this.#http = http;
    this.#options = options;
    this.#view = new LogView(http, options.trail, options.seen?.checkpoint);
    this.#newestNote = options.seen?.note;
  }

  /** The trail as seen so far. */
  get view(): LogView {
    return this.#view;
  }

  /** The newest checkpoint as a signed note: from a receipt, or from earlier. */
  get newestNote(): string | undefined {
    return this.#newestNote;
  }

  /** Events that the server claims to have accepted, without a proof that they are in the log. */
  get unproven(): number {
    return this.#unproven;
  }

  /**
   * Sends the batches and yields each once it is durable and its receipt has been checked, in the order of the input.
   *
   * @throws errors of the input, errors from the server (`field` and message name the line), or the verdict on a receipt; all
   *   requests have ended by then
   */
  async *run(batches: AsyncIterable<Batch>): AsyncGenerator<Uploaded> {
    const running: Promise<Sent | Error>[] = [];
    try {
      for await (const batch of batches) {
        running.push(this.#send(batch));
        if (running.length >= this.#options.parallel) yield await this.#take(running);
      }
      while (running.length > 0) yield await this.#take(running);
    } finally {
      await Promise.all(running);
    }
  }

  /** Sends one batch. Returns errors, so that a waiting promise is never an unhandled rejection. */
  async #send(batch: Batch): Promise<Sent | Error> {
    const { trail, key, signal } = this.#options;
    const headers = { 'idempotency-key': `${key}-${this.#index++}`, prefer: 'return=representation' };
    const body = `{"events":[${batch.events.map((event) => event.json).join(',')}]}`;
    try {
      const answer = await this.#http.send({
        method: 'POST',
        path: `/v1/trails/${trail}/events`,
        headers,
        body,
        signal,
      });
      this.#unproven += batch.events.length;
      const receipt = readReceipt(answer.json());
      // Without the lines a receipt proves only hashes, not what they are hashes of.
      if (receipt.lines === undefined) return new SealtrailError('proof_mismatch', 'the server left the records out');
      return { receipt, events: batch.events };
    } catch (error) {
      return placed(error, batch);
    }
  }

  async #take(running: Promise<Sent | Error>[]): Promise<Uploaded> {
    const sent = await running.shift();
    if (sent === undefined) throw new RangeError('there is nothing to take');
    if (sent instanceof Error) throw sent;
    const { receipt, events } = sent;
    const { trail, trust } = this.#options;
    const checkpoint = checkReceipt(receipt, { trail, count: events.length }, trust);
    for (const [i, event] of events.entries()) assertAsSent(event, receipt.lines?.[i]);
    if (checkpoint !== undefined) await this.#view.extend(checkpoint);
    if (checkpoint !== undefined && checkpoint === this.#view.newest) this.#newestNote = receipt.checkpoint;
    this.#unproven -= events.length;
    return { receipt, checkpoint };
  }
}

/** Asserts that a record contains the sent event, except for permitted additions, normalisation, redaction and masking. */
function assertAsSent({ json, where }: InputEvent, line = ''): void {
  const record = parseRecord(line);
  const path = differenceFromSent(parseJson(json), record.event);
  if (path === undefined) return;
  const what = path === '' ? 'it' : `its field ${path}`;
  throw new SealtrailError('proof_mismatch', `record ${record.seq} is not ${where} as it was sent: ${what} differs`);
}

/** Names the input's line in an error such as "events[3].actor.id is missing". */
function placed(error: unknown, batch: Batch): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!(error instanceof SealtrailError) || error.field === undefined) return error;
  const [, index, rest] = /^events\[(\d+)\]\.?(.*)$/.exec(error.field) ?? [];
  const event = index === undefined ? undefined : batch.events[Number(index)];
  if (event === undefined) return error;
  const message = error.message.replace(/\bevents\[\d+\]\.?/, '').replace(/^:\s*/, '');
  return new SealtrailError(error.code, `${event.where}: ${message}`, {
    cause: error,
    ...(rest === undefined || rest === '' ? {} : { field: rest }),
  });
}
