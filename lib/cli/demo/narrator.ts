import { Writable } from 'node:stream';
import { truncate, wrap } from '../output/table.ts';
import { type Format, type Output, painter, widthOf, writeLines } from '../output/terminal.ts';

/** Maximum width of sentences, for readability. */
const TEXT_WIDTH = 96;
/** The width for files and pipelines, which people may read too. */
const DEFAULT_WIDTH = 100;

/** Writes the demo's story: numbered steps, short sentences, commands and their output. */
export class Narrator {
  /** The output for commands, which has a width even if it is not a terminal. */
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

  /** Writes a wrapped paragraph. */
  text(text: string): Promise<void> {
    return this.lines(wrap(text, Math.min(this.width, TEXT_WIDTH)));
  }

  /** Writes an indented block of lines. */
  block(lines: readonly string[]): Promise<void> {
    return this.lines(['', ...lines.map((line) => `    ${line}`.trimEnd()), '']);
  }

  command(args: readonly string[]): Promise<void> {
    const quoted = args.map((arg) => (/[*?"'\s]/.test(arg) ? `'${arg}'` : arg));
    return this.lines(['', this.#paint('yellow', `$ sealtrail ${quoted.join(' ')}`)]);
  }

  /** Cuts a line to fit into a {@link block}. */
  cut(line: string): string {
    return truncate(line, this.width - 4);
  }

  lines(lines: readonly string[]): Promise<void> {
    return writeLines(this.out, lines);
  }

  /** The command that starts the program: in the repository through npm, which has the right Node. */
  program(env: Readonly<Record<string, string | undefined>>): string {
    return env.npm_lifecycle_event === 'demo' ? 'npm run -s sealtrail --' : 'sealtrail';
  }
}

/** The same output with a width for the layout of tables. */
function withWidth(out: Output, columns: number): Output {
  const narrow = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => out.write(chunk, done),
  });
  return Object.assign(narrow, { columns });
}
