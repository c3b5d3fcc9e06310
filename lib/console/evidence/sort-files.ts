import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { type Policy, parsePolicy } from '../../log/policy.ts';
import { parseTrustedKeys, type TrustedKeys } from '../../verify/evidence/trust.ts';
import { type GivenFile, nameOf } from './given-file.ts';
import { archiveRootOf, GivenObjects } from './given-objects.ts';

/** Something that was given and can be judged. `about` names its file or folder. */
export type Exhibit =
  | { readonly kind: 'archive'; readonly about: string; readonly objects: GivenObjects }
  | { readonly kind: 'proof'; readonly about: string; readonly text: string; readonly line: string | undefined }
  | { readonly kind: 'growth'; readonly about: string; readonly text: string }
  | { readonly kind: 'answer'; readonly about: string; readonly value: unknown }
  | { readonly kind: 'receipts'; readonly about: string; readonly documents: readonly unknown[] }
  | {
      readonly kind: 'export';
      readonly about: string;
      readonly manifest: string;
      readonly file: GivenFile | undefined;
      readonly proof: GivenFile | undefined;
      readonly complete: GivenFile | undefined;
    }
  | { readonly kind: 'checkpoint'; readonly about: string; readonly note: string }
  | { readonly kind: 'unknown'; readonly about: string; readonly why: string };

/** The given files, sorted. */
export interface Given {
  readonly exhibits: readonly Exhibit[];
  /** Key files that were given by themselves. Those of an archive's own `keys/` say nothing: whoever forges it forges them too. */
  readonly keys: readonly { readonly about: string; readonly keys: TrustedKeys }[];
  readonly policies: readonly { readonly about: string; readonly policy: Policy }[];
}

/** More is no key, policy, proof, note, answer or receipt. */
const MAX_BYTES = 64_000_000;

/** Sorts files by what they hold, whatever they are called, apart from files that belong to another by name. */
export async function sortFiles(files: readonly GivenFile[]): Promise<Given> {
  const root = archiveRootOf(files);
  const isOfArchive = ({ path }: GivenFile) => root !== undefined && path.startsWith(root) && path !== nameOf(path);
  const exhibits: Exhibit[] = [];
  if (root !== undefined) {
    const objects = new GivenObjects(files.filter(isOfArchive), root);
    exhibits.push({ kind: 'archive', about: root === '' ? 'archive' : root.replace(/\/$/, ''), objects });
  }
  const sorted = new Sorted(files.filter((file) => !isOfArchive(file)));
  await sorted.sort();
  return { exhibits: [...exhibits, ...sorted.exhibits], keys: sorted.keys, policies: sorted.policies };
}

class Sorted {
  readonly exhibits: Exhibit[] = [];
  readonly keys: { about: string; keys: TrustedKeys }[] = [];
  readonly policies: { about: string; policy: Policy }[] = [];
  readonly #files: Map<string, GivenFile>;
  /** Files that were taken with another one. */
  readonly #taken = new Set<string>();

  constructor(files: readonly GivenFile[]) {
    this.#files = new Map(files.map((file) => [file.path, file]));
  }

  async sort(): Promise<void> {
    const paths = [...this.#files.keys()].sort();
    // Manifests and proofs first: they say which other files are theirs.
    const leads = paths.filter((path) => /\.manifest\.json$|\.tlog-proof$/.test(path));
    for (const path of [...leads, ...paths.filter((one) => !leads.includes(one))]) {
      const file = this.#files.get(path);
      if (file !== undefined && !this.#taken.has(path)) await this.#file(file);
    }
  }

  async #file(file: GivenFile): Promise<void> {
    const about = file.path;
    if (file.size > MAX_BYTES) {
      this.exhibits.push({ kind: 'unknown', about, why: NOT_OURS });
      return;
    }
    const text = textOf(await file.bytes());
    if (text === undefined) this.exhibits.push({ kind: 'unknown', about, why: NOT_OURS });
    else if (text.startsWith('c2sp.org/tlog-proof@')) await this.#proof(about, text);
    else if (!this.#isKeys(about, text) && !this.#isPolicy(about, text)) this.#document(about, text);
  }

  async #proof(about: string, text: string): Promise<void> {
    const record = this.#take(`${about.replace(/\.tlog-proof$/, '')}.record.json`);
    // The line feed that ends the file is not part of the line.
    const line = record && textOf(await record.bytes())?.replace(/\n$/, '');
    this.exhibits.push({ kind: 'proof', about, text, line });
  }

  #isKeys(about: string, text: string): boolean {
    if (text.startsWith('{') || text.startsWith('[')) return false;
    const keys = attempt(() => parseTrustedKeys(text));
    if (keys === undefined) return false;
    this.keys.push({ about, keys });
    return true;
  }

  #isPolicy(about: string, text: string): boolean {
    if (!/^(?:log|witness|group|quorum)\s/m.test(text)) return false;
    const policy = attempt(() => parsePolicy(text));
    if (policy === undefined) return false;
    this.policies.push({ about, policy });
    return true;
  }

  #document(about: string, text: string): void {
    const whole = attempt(() => parseJson(text));
    const lines = whole === undefined ? linesOf(text) : undefined;
    if (isObject(whole) && isObject(whole.file) && 'checkpoint' in whole) this.#export(about, text);
    else if (isObject(whole) && isObject(whole.checkpoints)) this.exhibits.push({ kind: 'growth', about, text });
    else if (isObject(whole) && Array.isArray(whole.records) && isObject(whole.proof))
      this.exhibits.push({ kind: 'answer', about, value: whole.proof });
    else if (isAnswer(whole)) this.exhibits.push({ kind: 'answer', about, value: whole });
    else if (isReceipt(whole)) this.exhibits.push({ kind: 'receipts', about, documents: [whole] });
    else if (lines?.every(isReceipt)) this.exhibits.push({ kind: 'receipts', about, documents: lines });
    else if (whole === undefined && text.includes('\n\n— '))
      this.exhibits.push({ kind: 'checkpoint', about, note: text });
    else this.exhibits.push({ kind: 'unknown', about, why: NOT_OURS });
  }

  #export(about: string, manifest: string): void {
    const file = about.replace(/\.manifest\.json$/, '');
    this.exhibits.push({
      kind: 'export',
      about: file,
      manifest,
      file: file === about ? undefined : this.#take(file),
      proof: this.#take(`${file}.proof`),
      complete: this.#take(`${file}.complete`),
    });
  }

  #take(path: string): GivenFile | undefined {
    this.#taken.add(path);
    return this.#files.get(path);
  }
}

const NOT_OURS = 'it is no archive, export, receipt, proof, answer, checkpoint, key or policy';

const isAnswer = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 && value.every(isAnswer) : isObject(value) && 'matches' in value;
const isReceipt = (value: unknown): boolean => isObject(value) && 'events' in value && 'replayed' in value;

/** The documents of a file of one a line; undefined where a line is none. */
function linesOf(text: string): unknown[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? undefined : attempt(() => lines.map((line) => parseJson(line)));
}

const textOf = (bytes: Uint8Array): string | undefined => attempt(() => fromUtf8(bytes, 'usage', 'the file'));

/** Undefined where the text is not what it was tried as. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SealtrailError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
