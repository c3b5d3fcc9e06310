import { SealtrailError } from '../../log/error.ts';
import { checkObjectKey, checkObjectPrefix } from '../../store/object-key.ts';
import type { Leftover, ObjectEntry, Objects, ObjectVersion } from '../../store/ports.ts';
import type { GivenFile } from './given-file.ts';

/** A folder has one version of each object, and calls it as a driver for folders does. */
const ONLY_VERSION = 'null';

/** The files that a folder keeps beside its objects: unfinished writes, and second names of held objects. */
const OTHERS = /^~(unfinished|held)\//;

/** Where an archive's objects lie below its root (docs/spec.md, "Archive"). */
const OBJECT =
  /^(?<root>(?:.*\/)?)[a-z0-9_][a-z0-9-]*\/(?:checkpoint|checkpoints\/\d+|tile\/(?:\d+|entries)\/[\d/x.p]+|records\/dt=[^/]+\/[^/]+)$/;

/**
 * The folder that holds an archive among files that were given, with a slash at its end; empty: they lie at the top. Undefined:
 * there is no archive among them.
 */
export function archiveRootOf(files: readonly GivenFile[]): string | undefined {
  const roots = files.flatMap(({ path }) => {
    const root = OBJECT.exec(path)?.groups?.root;
    return root === undefined ? [] : [root];
  });
  // The names of held objects repeat below `~held`: the archive begins where the first of its trails does.
  return roots.sort((a, b) => a.length - b.length)[0];
}

/** An archive of files that were given to the page: read-only objects, as a verifier reads them. */
export class GivenObjects implements Objects {
  readonly #files = new Map<string, GivenFile>();
  readonly #others: GivenFile[] = [];
  readonly #root: string;
  readonly #keys: readonly string[];

  constructor(files: readonly GivenFile[], root: string) {
    this.#root = root;
    for (const file of files.filter(({ path }) => path.startsWith(root))) {
      const key = file.path.slice(root.length);
      if (OTHERS.test(key)) this.#others.push(file);
      else this.#files.set(key, file);
    }
    const encoder = new TextEncoder();
    const bytes = new Map([...this.#files.keys()].map((key) => [key, encoder.encode(key)]));
    const none = new Uint8Array(0);
    this.#keys = [...bytes.keys()].sort((a, b) => Buffer.compare(bytes.get(a) ?? none, bytes.get(b) ?? none));
  }

  /** Keys in ascending byte order. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    return this.#files.get(key)?.bytes();
  }

  async getVersion(key: string, version: string): Promise<Uint8Array | undefined> {
    return version === ONLY_VERSION ? this.get(key) : undefined;
  }

  async *list(prefix: string, { after = '' }: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    checkObjectPrefix(prefix);
    for (const key of this.#keys) {
      const file = this.#files.get(key);
      if (key.startsWith(prefix) && key > after && file !== undefined) yield { key, size: file.size };
    }
  }

  async *versions(prefix: string, options: { readonly after?: string } = {}): AsyncIterable<ObjectVersion> {
    for await (const entry of this.list(prefix, options)) {
      yield { ...entry, version: ONLY_VERSION, isLatest: true, isDeleteMarker: false, modifiedAt: 0 };
    }
  }

  async *leftovers(): AsyncIterable<Leftover> {
    for (const file of this.#others) {
      const name = file.path.slice(this.#root.length);
      const object = this.#files.get(name.replace(OTHERS, ''));
      if (name.startsWith('~unfinished/')) yield { name, what: 'unfinished write' };
      // A page does not see which names are of one file: it compares what they hold.
      else if (object === undefined || Buffer.compare(await object.bytes(), await file.bytes()) !== 0) {
        yield { name, what: 'second name of no object' };
      }
    }
  }

  async isHeld(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {}

  put = readOnly;
  replace = readOnly;
  hold = readOnly;
}

async function readOnly(): Promise<never> {
  throw new SealtrailError('unavailable', 'what was given to the page is only read');
}
