import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { defined } from '../../../base/defined.ts';
import { KeptCheckpoint } from '../../../client/delivery/kept-checkpoint.ts';
import { checkpointOf } from '../../../client/event/receipt.ts';
import { MAX_BATCH_EVENTS, MAX_BODY_BYTES } from '../../../contract/event.ts';
import { SealtrailError } from '../../../log/error.ts';
import { openTrusted } from '../../../verify/evidence/trusted-note.ts';
import { printable } from '../../output/table.ts';
import {
  bytes,
  count,
  labelled,
  Progress,
  plural,
  shownOn,
  type Terminal,
  write,
  writeLines,
} from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import {
  connect,
  type Install,
  integer,
  type ServerOptions,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';
import { type LogKeys, logKeys, readText } from '../../shell/trust.ts';
import { gather, type OnRefusal, type Refusal, readEvents } from '../../upload/input.ts';
import { type Chunks, openInput } from '../../upload/open-input.ts';
import { Upload, type Uploaded, type UploadOptions } from '../../upload/upload.ts';

interface Options extends ServerOptions {
  readonly key?: string;
  readonly batch: number;
  readonly parallel: number;
  readonly idempotencyKey?: string;
  readonly checkpoint?: string;
  readonly receipts?: string;
  readonly keepGoing?: true;
  readonly lenient?: true;
  readonly json?: true;
}

/** Bytes of the events of a request: the rest is for the JSON around them. */
const BATCH_BYTES = MAX_BODY_BYTES - 100_000;
/** Milliseconds that an event read from a pipe may wait for others. */
const LINGER = 500;
/** The longest timeout of Node's timers. */
const FOR_EVER = 2 ** 31 - 1;

export const installAppend: Install = (program, shell) => {
  const command = program
    .command('append')
    .argument('<trail>', 'the trail', trailName)
    .argument('[file]', 'the events; - is standard input', '-')
    .summary('append events')
    .description(
      'Appends events to a trail, from a file or from standard input (-): NDJSON (one event a line), a JSON array, or one JSON event.\n' +
        'Every receipt is checked: its checkpoint must be signed by the log and prove that what was sent is in it.',
    )
    .option(
      '--key <file>',
      "the log's public key (vkey or PEM) to check receipts with (default: ask the server for it)",
    )
    .option(
      '--batch <n>',
      `events in a request, 1 to ${MAX_BATCH_EVENTS}`,
      integer('--batch', 1, MAX_BATCH_EVENTS),
      500,
    )
    .option(
      '--parallel <n>',
      'requests at once; more than 1 gives up the order of events',
      integer('--parallel', 1, 32),
      1,
    )
    .option('--idempotency-key <key>', 'repeat an upload safely: what an earlier run with this key appended is found')
    .option(
      '--checkpoint <file>',
      'a checkpoint kept from earlier, which the log must extend; the newest is kept there',
    )
    .option(
      '--keep-going',
      'go past events that cannot be appended: each is named on stderr, and the exit code is 2; an event must not span lines',
    )
    .option('--lenient', 'have the log keep what does not fit in another form ("Prefer: handling=lenient")')
    .option('--receipts <file>', 'append the receipts to this file, one JSON document a line');
  withJson(withServer(command)).action(async (trail: string, file: string, options: Options) => {
    const append = new Append(shell.terminal, trail, file, options);
    await append.run();
    if (append.refused > 0) shell.exitCode = EXIT.failed;
  });
};

/** The events appended so far. */
interface Tally {
  events: number;
  replayed: number;
  refused: number;
  unsealed: number;
  first: number | undefined;
  last: number;
}

class Append {
  readonly #terminal: Terminal;
  readonly #trail: string;
  readonly #file: string;
  readonly #options: Options;
  readonly #tally: Tally = { events: 0, replayed: 0, refused: 0, unsealed: 0, first: undefined, last: -1 };
  readonly #key: string;
  readonly #progressLine: Progress;
  /** Undefined where the first refusal ends the upload. */
  readonly #onRefusal: OnRefusal | undefined;

  constructor(terminal: Terminal, trail: string, file: string, options: Options) {
    this.#terminal = terminal;
    this.#trail = trail;
    this.#file = file;
    this.#options = options;
    this.#key = options.idempotencyKey ?? randomUUID();
    this.#progressLine = new Progress(terminal.stderr);
    this.#onRefusal = options.keepGoing ? (refusal) => this.#refuse(refusal) : undefined;
  }

  /** Events that could not be appended and were passed over. */
  get refused(): number {
    return this.#tally.refused;
  }

  async run(): Promise<void> {
    const http = connect(this.#terminal, this.#options);
    const keys = await logKeys(http, this.#trail, this.#options.key);
    const seen = await this.#kept(keys);
    const upload = new Upload(http, {
      trail: this.#trail,
      key: this.#key,
      parallel: this.#options.parallel,
      trust: keys.trust,
      signal: this.#terminal.signal,
      lenient: this.#options.lenient === true,
      ...defined({ seen, onRefusal: this.#onRefusal }),
    });
    try {
      await this.#send(upload, openInput(this.#terminal, this.#file));
    } catch (error) {
      throw this.#interrupted(error, upload.unproven);
    } finally {
      await this.#keep(upload);
    }
    await this.#report(upload, keys);
  }

  async #send(upload: Upload, input: Chunks): Promise<void> {
    const { batch: maxEvents, receipts: file, idempotencyKey } = this.#options;
    // With an idempotency key, a repeated run must cut the same batches, however slowly the input arrives.
    const linger = this.#file === '-' && idempotencyKey === undefined ? LINGER : FOR_EVER;
    const batches = gather(readEvents(input.chunks, this.#onRefusal), { maxEvents, maxBytes: BATCH_BYTES, linger });
    const progress = this.#progressLine;
    const receipts = file === undefined ? undefined : await open(file, 'a');
    const started = performance.now();
    try {
      for await (const uploaded of upload.run(batches)) {
        this.#count(uploaded);
        await receipts?.write(`${JSON.stringify(uploaded.receipt)}\n`);
        progress.show(() => this.#progress(input, performance.now() - started));
      }
    } finally {
      progress.clear();
      await receipts?.close();
    }
  }

  /** The checkpoint of an earlier run, if any. */
  async #kept({ trust }: LogKeys): Promise<UploadOptions['seen']> {
    const { checkpoint: file } = this.#options;
    if (file === undefined || !existsSync(file)) return undefined;
    const note = await readText(file, 'the checkpoint');
    return { checkpoint: checkpointOf(note, this.#trail, trust), note };
  }

  async #keep({ view, newestNote }: Upload): Promise<void> {
    const { checkpoint } = this.#options;
    if (checkpoint === undefined || newestNote === undefined) return;
    await new KeptCheckpoint(checkpoint).exchange(view, newestNote);
  }

  /** Says at once what is passed over: a line for people, or a JSON document a line for programs. */
  #refuse({ where, error: { code, message, field } }: Refusal): void {
    const { stderr } = this.#terminal;
    this.#tally.refused += 1;
    this.#progressLine.clear();
    const line = this.#options.json
      ? JSON.stringify({ refused: { where, code, message, field } })
      : `refused: ${printable(message)}`;
    stderr.write(shownOn(stderr, `${line}\n`));
  }

  #count({ receipt, checkpoint }: Uploaded): void {
    this.#tally.events += receipt.count;
    this.#tally.first = Math.min(this.#tally.first ?? receipt.first, receipt.first);
    this.#tally.last = Math.max(this.#tally.last, receipt.first + receipt.count - 1);
    if (receipt.replayed) this.#tally.replayed += receipt.count;
    if (checkpoint === undefined) this.#tally.unsealed += receipt.count;
  }

  #progress(input: Chunks, elapsed: number): string {
    const rate = count(Math.round((this.#tally.events / elapsed) * 1000));
    const share = input.total === undefined ? '' : ` · ${Math.floor((100 * input.read) / Math.max(1, input.total))} %`;
    return `${plural(this.#tally.events, 'event')} appended · ${bytes(input.read)} read${share} · ${rate}/s`;
  }

  /** Adds to an error what was done before it, and how to continue. */
  #interrupted(error: unknown, unproven: number): unknown {
    const { events } = this.#tally;
    if (!(error instanceof SealtrailError)) {
      if (this.#terminal.signal.aborted) this.#terminal.stderr.write(`stopped: ${plural(events, 'event')} appended\n`);
      return error;
    }
    const uncertain = error.code === 'unavailable' || error.code === 'outcome_unknown';
    const again =
      this.#file === '-' || !(uncertain || events + unproven > 0)
        ? ''
        : `\nTo go on without appending anything twice, repeat the command with --idempotency-key ${this.#key}${this.#options.batch === 500 ? '' : ` --batch ${this.#options.batch}`}`;
    const message = `${error.message}\n${doneBefore(events, unproven)}${uncertain ? '; whether the last request got through is not known' : ''}.${again}`;
    const { cause, field } = error;
    return new SealtrailError(error.code, message, { cause, ...defined({ field }) });
  }

  /** Where the events landed. */
  #appended(): string[] {
    const { events, replayed, first, last } = this.#tally;
    const records = first === last ? `record ${count(last)}` : `records ${count(first ?? 0)} to ${count(last)}`;
    const known = replayed === 0 ? '' : ` (${count(replayed)} of them by an earlier run)`;
    const sentence = `${plural(events, 'event')} to ${this.#trail}: ${records}${known}`;
    return labelled(this.#terminal.stdout, 'green', 'appended', sentence);
  }

  async #report(upload: Upload, keys: LogKeys): Promise<void> {
    const { events, replayed, refused, unsealed, first, last } = this.#tally;
    const { stdout } = this.#terminal;
    const note = upload.newestNote;
    const checkpoint = note === undefined ? undefined : openTrusted(note, keys.keys).proven;
    if (this.#options.json) {
      const landed = {
        trail: this.#trail,
        events,
        replayed,
        refused,
        unsealed,
        first,
        last: events === 0 ? undefined : last,
      };
      const checkedWith = { from: keys.source, fingerprints: keys.fingerprints };
      return write(stdout, `${JSON.stringify({ ...landed, checkpoint, keys: checkedWith })}\n`);
    }
    if (events === 0 && refused === 0) return write(stdout, 'Nothing to append: the input holds no events.\n');
    const lines = events === 0 ? [] : this.#appended();
    if (refused > 0) {
      const which = `${plural(refused, 'event')}, each named on stderr with the reason`;
      lines.push(...labelled(stdout, 'red', 'refused ', which));
    }
    if (checkpoint !== undefined && unsealed < events) {
      const proven = `under the checkpoint of ${plural(checkpoint.size, 'record')}, signed by the key ${checkpoint.keys.join(', ')}`;
      const caveat = ' (the key came from the server itself; --key FILE checks against one that you trust)';
      lines.push(...labelled(stdout, 'green', 'proven  ', keys.source === 'file' ? proven : proven + caveat));
    }
    if (unsealed > 0) {
      const waiting = `${plural(unsealed, 'event')} stored, and not under a checkpoint yet`;
      lines.push(...labelled(stdout, 'yellow', 'waiting ', waiting));
    }
    await writeLines(stdout, lines);
  }
}

/** @param unproven events that the server accepted without proof */
function doneBefore(events: number, unproven: number): string {
  const taken = `The server says that it took ${plural(unproven, 'event')}`;
  if (events === 0) return unproven === 0 ? 'Nothing was appended' : `${taken}, and nothing proves that`;
  const before = `${plural(events, 'event')} before it ${events === 1 ? 'is' : 'are'} appended`;
  return unproven === 0 ? before : `${before}. ${taken} more, and nothing proves that`;
}
