import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import { printable, truncate, wrap } from './table.ts';

/** A stream that may be a terminal, as `process.stdout` is. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };
/** A stream of bytes that may be a terminal, as `process.stdin` is. */
export type Input = Readable & { readonly isTTY?: boolean };

/** The parts of its process that a command may use, so that it can be run by tests and by other commands. */
export interface Terminal {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user wants to stop (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
}

/** A format of `node:util` `styleText`. */
export type Format = Parameters<typeof styleText>[0];

type Lines = Iterable<string> | AsyncIterable<string>;

/** Writes whole lines for people, which may be styled by {@link painter}. On a terminal nothing else in them is obeyed. */
export function writeLines(out: Output, lines: Lines): Promise<void> {
  return batched(lines, (text) => put(out, out.isTTY === true ? showStyled(text) : text));
}

/** Writes whole lines of data, as {@link write} does text. */
export function writeData(out: Output, lines: Lines): Promise<void> {
  return batched(lines, (text) => write(out, text));
}

/**
 * Writes text and waits until the stream has taken it: byte for byte into a file or a pipe, and on a terminal shown and not
 * obeyed, whatever its format. JSON stays JSON. Rejects with the stream's error.
 */
export function write(out: Output, text: string): Promise<void> {
  return put(out, shownOn(out, text));
}

/** The text as {@link write} writes it. */
export function shownOn(out: Output, text: string): string {
  return out.isTTY === true ? text.replaceAll('\r\n', '\n').replace(LINE, printable) : text;
}

const LINE = /[^\n]+/g;
/** Styles as `styleText` writes them, which are kept with the line feeds between them. */
const ESCAPE = '\u001b';
const STYLES = new RegExp(`((?:\\n|${ESCAPE}\\[[0-9;]*m)+)`);

const showStyled = (text: string): string =>
  text
    .split(STYLES)
    .map((part, at) => (at % 2 === 1 ? part : printable(part)))
    .join('');

/** Lets a slow reader slow the command down instead of filling memory. Lines that came before a failure are written too. */
async function batched(lines: Lines, take: (text: string) => Promise<void>): Promise<void> {
  let pending = '';
  const flush = async (): Promise<void> => {
    const text = pending;
    pending = '';
    if (text !== '') await take(text);
  };
  try {
    for await (const line of lines) {
      pending += `${line}\n`;
      if (pending.length >= 65_536) await flush();
    }
  } finally {
    await flush();
  }
}

function put(out: Output, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Columns to lay a table out for: those of the output where it has a width, else endless, since programs want whole values.
 * A terminal without a known size (under `expect`, in some containers) says that it has none.
 */
export function widthOf(out: Output): number {
  return out.columns || (out.isTTY === true ? 80 : Number.POSITIVE_INFINITY);
}

/** Colours text where the stream is a terminal that shows colour; `NO_COLOR` and the like are respected. */
export function painter(out: Output): (format: Format, text: string) => string {
  // One by one: Node before 22.13 heeds the stream only for a single format.
  return (format, text) => [format].flat().reduceRight((inner, one) => styleText(one, inner, { stream: out }), text);
}

/** A coloured word and a sentence beside it, wrapped to the output's width and set in under the sentence's beginning. */
export function labelled(out: Output, format: Format, label: string, sentence: string): string[] {
  const indent = label.length + 2;
  const [first = '', ...rest] = wrap(printable(sentence), Math.max(20, widthOf(out) - indent));
  return [`${painter(out)(format, label)}  ${first}`, ...rest.map((line) => ' '.repeat(indent) + line)];
}

/** A line that is drawn over and over on a terminal, and not at all elsewhere. */
export class Progress {
  readonly #out: Output;
  readonly #clock: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(out: Output, clock: () => number = () => performance.now()) {
    this.#out = out;
    this.#clock = clock;
  }

  /** Shows the text, at most ten times a second. The text is only made when it is going to be shown. */
  show(text: () => string): void {
    if (this.#out.isTTY !== true || this.#clock() - this.#drawnAt < 100) return;
    this.#drawnAt = this.#clock();
    this.#drawn = true;
    this.#out.write(`\r\u001b[2K${truncate(printable(text()), widthOf(this.#out) - 1)}`);
  }

  /** Wipes the line, so that what is printed next starts on a clean one. */
  clear(): void {
    if (this.#drawn) this.#out.write('\r\u001b[2K');
    this.#drawn = false;
  }
}

/** A count with thousands separated, the same on every machine: `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 record`, `2 records`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A size in bytes for people: `512 B`, `12.3 KB`, `4.5 MB` (powers of 1,000). */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const unit = value < 1e6 ? 'KB' : value < 1e9 ? 'MB' : 'GB';
  const divisor = { KB: 1e3, MB: 1e6, GB: 1e9 }[unit];
  return `${(value / divisor).toFixed(1)} ${unit}`;
}
