import { defined } from '../../base/defined.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Objects } from '../../store/ports.ts';
import { type Findings, shownKey } from '../report/findings.ts';
import type { ProblemKind } from '../report/problem.ts';

/** Reads the archive's objects, the locked version of each, and reports what cannot be read. */
export class Evidence {
  readonly objects: Objects;
  readonly #oldest: ReadonlyMap<string, string>;
  readonly #findings: Findings;

  /** @param oldest the version to read, for keys that have several */
  constructor(objects: Objects, oldest: ReadonlyMap<string, string>, findings: Findings) {
    this.objects = objects;
    this.#oldest = oldest;
    this.#findings = findings;
  }

  /**
   * The bytes of an object that was listed; undefined, and reported, where they cannot be had.
   *
   * @param missing how to call it when it is gone meanwhile; undefined: someone else reads it too and reports
   */
  async read(key: string, trail: string | undefined, missing?: ProblemKind): Promise<Uint8Array | undefined> {
    const version = this.#oldest.get(key);
    if (version !== undefined) return this.readVersion(key, version, trail, missing);
    return this.#report(key, trail, missing, await readOutcome(this.objects.get(key)));
  }

  /** The bytes of one version of an object. Like {@link read}. */
  async readVersion(
    key: string,
    version: string,
    trail: string | undefined,
    missing?: ProblemKind,
  ): Promise<Uint8Array | undefined> {
    return this.#report(key, trail, missing, await readOutcome(this.objects.getVersion(key, version)));
  }

  #report(
    key: string,
    trail: string | undefined,
    missing: ProblemKind | undefined,
    outcome: ReadOutcome,
  ): Uint8Array | undefined {
    if (outcome instanceof Uint8Array) return outcome;
    if (missing === undefined) return undefined;
    const about = { object: shownKey(key), ...defined({ trail }) };
    if (outcome === 'link') {
      this.#findings.add({ kind: 'symbolic_link', ...about, message: 'this is a link or a special file' });
    } else if (outcome === 'absent') {
      this.#findings.add({ kind: missing, ...about, message: 'the object was listed, but is not there' });
    } else {
      this.#findings.add({ kind: 'unreadable', ...about, message: `the object cannot be read: ${outcome.why}` });
    }
    return undefined;
  }
}

/** The substitute for an object: nothing, something that is no object, or an error of the store. */
export type ReadOutcome = Uint8Array | 'absent' | 'link' | { readonly why: string };

/** The result of reading an object. Errors other than those of one object are thrown. */
export async function readOutcome(bytes: Promise<Uint8Array | undefined>): Promise<ReadOutcome> {
  try {
    return (await bytes) ?? 'absent';
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    if (error.code === 'store_corrupt') return 'link';
    if (error.code === 'unavailable' || error.code === 'throttled') return { why: error.message };
    throw error;
  }
}
