import { Writable } from 'node:stream';
import { truncate, wrap } from '../output/table.ts';
import { type Format, type Output, painter, widthOf, writeLines } from '../output/terminal.ts';

/** Wider than this, sentences are hard to read. */
const TEXT_WIDTH = 96;
/** Where the output is no terminal: a file or a pipeline, to be read by people all the same. */
const DEFAULT_WIDTH = 100;

/** Writes the demo's story: numbered steps, short sentences, commands and what they print. */
export class Narrator {
  /** Where commands print to: with a width even where the output is no terminal. */
  readonly out: Output;
  readonly width: number;
  readonly #paint: (format: Format, text: string) => string;
  #step = 0;

  constructor(out: Output) {
    this.out = out.isTTY === true ? out : withWidth(out, DEFAULT_WIDTH);
    this.width = widthOf(this.out);
    this.#paint = painter(out);
  }

  readonly heading = (text: string): string => this.#paint('bold', text);

  title(text: string): Promise<void> {
    return this.lines([this.#paint(['bold', 'cyan'], text)]);
  }

  async step(title: string, text: string): Promise<void> {
    this.#step++;
    await this.lines(['', '', this.#paint(['bold', 'cyan'], `${this.#step}  ${title}`)]);
    await this.text(text);
  }

  /** A paragraph, wrapped. */
  text(text: string): Promise<void> {
    return this.lines(wrap(text, Math.min(this.width, TEXT_WIDTH)));
  }

  /** Lines that belong together, set in. */
  block(lines: readonly string[]): Promise<void> {
    return this.lines(['', ...lines.map((line) => `    ${line}`.trimEnd()), '']);
  }

  command(args: readonly string[]): Promise<void> {
    const quoted = args.map((arg) => (/[*?"'\s]/.test(arg) ? `'${arg}'` : arg));
    return this.lines(['', this.#paint('yellow', `$ sealtrail ${quoted.join(' ')}`)]);
  }

  /** Cut so that it fits into a {@link block}. */
  cut(line: string): string {
    return truncate(line, this.width - 4);
  }

  lines(lines: readonly string[]): Promise<void> {
    return writeLines(this.out, lines);
  }

  /** How the reader starts the program: in the repository through npm, which has the right Node. */
  program(env: Readonly<Record<string, string | undefined>>): string {
    return env.npm_lifecycle_event === 'demo' ? 'npm run -s sealtrail --' : 'sealtrail';
  }
}

/** The same output with a width to lay tables out for. */
function withWidth(out: Output, columns: number): Output {
  const narrow = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => out.write(chunk, done),
  });
  return Object.assign(narrow, { columns });
}
