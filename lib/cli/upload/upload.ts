import { differenceFromSent } from '../../client/delivery/sealed-event-diff.ts';
import { checkReceipt, readReceipt, type Trust } from '../../client/event/receipt.ts';
import type { SignedHttp } from '../../client/http/http.ts';
import { LogView } from '../../client/read/log-view.ts';
import type { Receipt } from '../../contract/receipt.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { fromBase64 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseJson } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';
import { rootBeforeRange } from '../../log/tree.ts';
import { type Batch, type InputEvent, type OnRefusal, type Settled, settle } from './input.ts';

/** Options of an upload. */
export interface UploadOptions {
  readonly trail: string;
  /**
   * Batch n (from 0) is sent under `<key>-<n>`, so that the same upload can be repeated after a failure; a function names the key
   * of each batch.
   */
  readonly key: string | ((batch: Batch) => string);
  /** Concurrent requests. More than one is faster, but may change the order of events. */
  readonly parallel: number;
  /** The keys that verify receipts. */
  readonly trust: Trust;
  /** A checkpoint kept from earlier, which those of the receipts must extend, and its signed note. */
  readonly seen?: { readonly checkpoint: Checkpoint; readonly note: string };
  readonly signal: AbortSignal;
  /** Asks the log to keep what does not fit in another form (`Prefer: handling=lenient`). @default it refuses that */
  readonly lenient?: boolean;
  /** Called for each event that the log refuses; the others of its batch are then sent again without it. @default it ends the upload */
  readonly onRefusal?: OnRefusal;
}

/** One batch, appended and checked. */
export interface Uploaded {
  readonly receipt: Receipt;
  /** The checkpoint that covers it; undefined if the log has not signed one yet. */
  readonly checkpoint: Checkpoint | undefined;
}

/** That a request was answered. */
const ANSWERED = Symbol('answered');

/** An answer about one event of a batch. */
interface Fault {
  readonly event: InputEvent;
  readonly error: SealtrailError;
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
    const source = batches[Symbol.asyncIterator]();
    const running: Promise<Sent | Error | undefined>[] = [];
    let next = settle(source.next());
    try {
      for (;;) {
        const read = await this.#readOrAnswered(next, running[0]);
        if (read === ANSWERED) {
          yield* this.#take(await running.shift());
          continue;
        }
        if ('error' in read || read.value.done === true) {
          while (running.length > 0) yield* this.#take(await running.shift());
          if ('error' in read) throw read.error;
          return;
        }
        // With one request at once, the order of events stays: the next one goes out when this one is answered.
        const answered = running.length < this.#options.parallel ? undefined : await running.shift();
        if (answered instanceof Error) throw answered;
        running.push(this.#send(read.value.value));
        next = settle(source.next());
        // While that is under way: checking takes as long as the log takes.
        yield* this.#take(answered);
      }
    } finally {
      await Promise.all(running);
      // Not awaited: a pipe may not say anything for a long time.
      void source.return?.();
    }
  }

  /** The next batch; or that the oldest request was answered, while the input is still to say something. */
  async #readOrAnswered(
    next: Promise<Settled<IteratorResult<Batch>>>,
    oldest: Promise<unknown> | undefined,
  ): Promise<Settled<IteratorResult<Batch>> | typeof ANSWERED> {
    if (oldest === undefined) return next;
    return Promise.race([next, oldest.then((): typeof ANSWERED => ANSWERED)]);
  }

  /**
   * Sends one batch, without the events that the log refuses where that is wanted: a batch is taken as a whole or not at
   * all, so after a refusal nothing of it is in the log. The key stays, so a repetition finds what was appended under it.
   *
   * @returns undefined where nothing of it was left. Errors are returned, so that a waiting promise is never an
   *   unhandled rejection.
   */
  async #send(batch: Batch): Promise<Sent | Error | undefined> {
    const { onRefusal, key } = this.#options;
    const requestKey = typeof key === 'string' ? `${key}-${this.#index++}` : key(batch);
    let { events } = batch;
    while (events.length > 0) {
      const sent = await this.#request(events, requestKey);
      if (!('event' in sent)) return sent;
      const { event, error } = sent;
      if (onRefusal === undefined) return error;
      onRefusal({ where: event.where, error });
      events = events.filter((one) => one !== event);
    }
    return undefined;
  }

  async #request(events: readonly InputEvent[], key: string): Promise<Sent | Error | Fault> {
    const { trail, signal, lenient } = this.#options;
    const prefer = `return=representation${lenient === true ? ', handling=lenient' : ''}`;
    const headers = { 'idempotency-key': key, prefer };
    const body = `{"events":[${events.map((event) => event.json).join(',')}]}`;
    try {
      const answer = await this.#http.send({
        method: 'POST',
        path: `/v1/trails/${trail}/events`,
        headers,
        body,
        signal,
      });
      this.#unproven += events.length;
      const receipt = readReceipt(answer.json());
      // Without the lines a receipt proves only hashes, not what they are hashes of.
      if (receipt.lines === undefined) return new SealtrailError('proof_mismatch', 'the server left the records out');
      return { receipt, events };
    } catch (error) {
      return placed(error, events);
    }
  }

  async *#take(sent: Sent | Error | undefined): AsyncGenerator<Uploaded> {
    if (sent === undefined) return;
    if (sent instanceof Error) throw sent;
    const { receipt, events } = sent;
    const { trail, trust } = this.#options;
    const checkpoint = checkReceipt(receipt, { trail, count: events.length }, trust);
    for (const [i, event] of events.entries()) assertAsSent(event, receipt.lines?.[i]);
    if (checkpoint !== undefined) await this.#view.extend(checkpoint, treeBefore(receipt, checkpoint));
    if (checkpoint !== undefined && checkpoint === this.#view.newest) this.#newestNote = receipt.checkpoint;
    this.#unproven -= events.length;
    yield { receipt, checkpoint };
  }
}

/** The tree before a receipt's records, from its proof, where they are the last in the tree of the checkpoint. */
function treeBefore(
  { first, count, proof }: Receipt,
  { size }: Checkpoint,
): Pick<Checkpoint, 'size' | 'root'> | undefined {
  if (proof === undefined || first + count !== size) return undefined;
  const hashes = proof.map((hash) => fromBase64(hash, 'proof_mismatch', 'a hash of the proof'));
  return { size: first, root: rootBeforeRange(hashes) };
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
function placed(error: unknown, events: readonly InputEvent[]): Error | Fault {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!(error instanceof SealtrailError) || error.field === undefined) return error;
  const [, index, rest] = /^events\[(\d+)\]\.?(.*)$/.exec(error.field) ?? [];
  const event = index === undefined ? undefined : events[Number(index)];
  if (event === undefined) return error;
  const message = error.message.replace(/\bevents\[\d+\]\.?/, '').replace(/^:\s*/, '');
  const found = new SealtrailError(error.code, `${event.where}: ${message}`, {
    cause: error,
    ...(rest === undefined || rest === '' ? {} : { field: rest }),
  });
  return { event, error: found };
}
