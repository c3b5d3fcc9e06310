import { createHash, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { ed25519Key, type TestKey } from '../support/keys.ts';

/**
 * Builds archives byte by byte from the design and the C2SP specifications, with nothing of the product: a second
 * opinion on what an archive is, and the material that the damage tests edit.
 */

export type Archive = Map<string, Buffer>;

export { ed25519Key, p256Key, type TestKey } from '../support/keys.ts';

const sha256 = (...parts: readonly (Buffer | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const leafOf = (line: string | Buffer): Buffer => sha256(Buffer.from([0]), Buffer.from(line));

/** RFC 6962 section 2.1, as it is written there. */
export function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256('');
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.from([1]), rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

export function keyIdOf(name: string, key: TestKey): string {
  const raw = key.spki.subarray(-32);
  const id = key.algorithm === 'ed25519' ? sha256(`${name}\n`, Buffer.from([1]), raw) : sha256(key.spki);
  return id.subarray(0, 4).toString('hex');
}

export function vkeyOf(name: string, key: TestKey): string {
  const typed =
    key.algorithm === 'ed25519'
      ? Buffer.concat([Buffer.from([1]), key.spki.subarray(-32)])
      : Buffer.concat([Buffer.from([2]), key.spki]);
  return `${name}+${keyIdOf(name, key)}+${typed.toString('base64')}`;
}

export function noteOf(
  origin: string,
  size: number,
  root: Buffer,
  keys: readonly TestKey[],
  extensions: readonly string[] = [],
): Buffer {
  const text = [origin, size, root.toString('base64'), ...extensions].map((line) => `${line}\n`).join('');
  const signatures = keys.map((key) => {
    const signature = sign(key.algorithm === 'ed25519' ? null : 'sha256', Buffer.from(text), key.privateKey);
    const encoded = Buffer.concat([Buffer.from(keyIdOf(origin, key), 'hex'), signature]).toString('base64');
    return `— ${origin} ${encoded}\n`;
  });
  return Buffer.from(`${text}\n${signatures.join('')}`);
}

export interface TrailPlan {
  readonly trail?: string;
  readonly logName?: string;
  /** Sizes at which a run of the archiver ended, ascending. */
  readonly runs: readonly number[];
  /** Sizes that were sealed, ascending; each is one of the runs. */
  readonly seals?: readonly number[];
  readonly keys?: readonly TestKey[] | ((size: number) => readonly TestKey[]);
  /** Unix ms of record 0, and between records. */
  readonly start?: number;
  readonly stepMs?: number;
  /** Changes a line before it is hashed and signed, as only the key's holder can. */
  readonly rewrite?: (line: string, seq: number) => string;
  /** The event's own part. */
  readonly event?: (seq: number) => string;
  /** Lines to use instead of making some, each with what it claims. */
  readonly lines?: readonly string[];
}

export const KEY = ed25519Key(7);
export const LOG = 'audit.example.com';
export const TRAIL = 'orders';
export const START = Date.UTC(2026, 10, 21, 9);

export interface Built {
  readonly archive: Archive;
  readonly lines: readonly string[];
  readonly leaves: readonly Buffer[];
  readonly origin: string;
  readonly receivedAt: (seq: number) => number;
}

export function recordLines(plan: TrailPlan, size: number): string[] {
  const { trail = TRAIL, start = START, stepMs = 250, rewrite = (line: string) => line } = plan;
  const event =
    plan.event ??
    ((seq: number) => `{"actor":{"id":"user-${seq % 7}"},"id":"e-${seq}","severity":"info","type":"data.read"}`);
  const lines: string[] = [];
  let prev = '0'.repeat(64);
  for (let seq = 0; seq < size; seq++) {
    const line = rewrite(
      `{"event":${event(seq)},"prev":"${prev}","receivedAt":${start + seq * stepMs},"seq":${seq},"submitter":"app","trail":"${trail}","v":1}`,
      seq,
    );
    lines.push(line);
    prev = leafOf(line).toString('hex');
  }
  return lines;
}

/** The archive of one trail. */
export function buildTrail(plan: TrailPlan): Built {
  const { trail = TRAIL, logName = LOG, runs, seals = [], keys = [KEY], start = START, stepMs = 250 } = plan;
  const size = runs.at(-1) ?? 0;
  const lines = plan.lines ?? recordLines(plan, size);
  const leaves = lines.map(leafOf);
  const origin = `${logName}/${trail}`;
  const archive: Archive = new Map();
  const signers = (at: number): readonly TestKey[] => (typeof keys === 'function' ? keys(at) : keys);
  const receivedAt = (seq: number): number => {
    const found = /"receivedAt":([0-9]+),"seq"/.exec(lines[seq] ?? '');
    return found === null ? start + seq * stepMs : Number(found[1]);
  };
  let from = 0;
  for (const run of runs) {
    for (const [first, end] of daysOf(from, run, receivedAt)) {
      archive.set(
        segmentName(trail, receivedAt(first), first, end - 1),
        gzipSync(
          lines
            .slice(first, end)
            .map((line) => `${line}\n`)
            .join(''),
        ),
      );
    }
    archive.set(`${trail}/checkpoints/${run}`, noteOf(origin, run, rootOf(leaves.slice(0, run)), signers(run)));
    for (const key of signers(run)) addKeyFiles(archive, origin, key);
    from = run;
  }
  for (const [name, bytes] of tilesOf(trail, lines, leaves, size, true)) archive.set(name, bytes);
  for (const seal of seals) {
    for (const [name, bytes] of tilesOf(trail, lines, leaves, seal, false)) archive.set(name, bytes);
    archive.set(`${trail}/checkpoint`, archive.get(`${trail}/checkpoints/${seal}`) ?? Buffer.alloc(0));
  }
  return { archive, lines, leaves, origin, receivedAt };
}

export function addKeyFiles(archive: Archive, origin: string, key: TestKey): void {
  const id = keyIdOf(origin, key);
  archive.set(`keys/${id}.pem`, Buffer.from(key.pem));
  if (!archive.has(`keys/${id}.vkey`)) archive.set(`keys/${id}.vkey`, Buffer.from(`${vkeyOf(origin, key)}\n`));
}

function* daysOf(from: number, to: number, at: (seq: number) => number): Generator<[number, number]> {
  let first = from;
  for (let seq = from + 1; seq <= to; seq++) {
    if (seq < to && dateOf(at(seq)) === dateOf(at(first))) continue;
    yield [first, seq];
    first = seq;
  }
}

export const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export function segmentName(trail: string, at: number, first: number, last: number): string {
  const padded = (seq: number): string => String(seq).padStart(16, '0');
  return `${trail}/records/dt=${dateOf(at)}/${padded(first)}-${padded(last)}.jsonl.gz`;
}

/** C2SP tlog-tiles: the full tiles and bundles of a size, or the partial ones. */
function* tilesOf(
  trail: string,
  lines: readonly string[],
  leaves: readonly Buffer[],
  size: number,
  full: boolean,
): Generator<[string, Buffer]> {
  const bundleOf = (some: readonly string[]): Buffer =>
    Buffer.concat(
      some.flatMap((line) => {
        const bytes = Buffer.from(line);
        return [Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes];
      }),
    );
  let hashes = leaves.slice(0, size);
  for (let level = 0; hashes.length > 0; level++) {
    const whole = Math.floor(hashes.length / 256);
    const rest = hashes.length % 256;
    for (let index = 0; full && index < whole; index++) {
      yield [`${trail}/tile/${level}/${pathOf(index)}`, Buffer.concat(hashes.slice(index * 256, index * 256 + 256))];
      if (level === 0)
        yield [`${trail}/tile/entries/${pathOf(index)}`, bundleOf(lines.slice(index * 256, index * 256 + 256))];
    }
    if (!full && rest > 0) {
      const suffix = `${pathOf(whole)}.p/${rest}`;
      yield [`${trail}/tile/${level}/${suffix}`, Buffer.concat(hashes.slice(whole * 256))];
      if (level === 0) yield [`${trail}/tile/entries/${suffix}`, bundleOf(lines.slice(whole * 256, size))];
    }
    hashes = Array.from({ length: whole }, (_, index) => rootOf(hashes.slice(index * 256, index * 256 + 256)));
  }
}

function pathOf(index: number): string {
  const groups =
    String(index)
      .padStart(Math.ceil(String(index).length / 3) * 3, '0')
      .match(/.{3}/g) ?? [];
  return groups.map((group, at) => (at + 1 < groups.length ? `x${group}` : group)).join('/');
}

export async function objectsOf(archive: Archive): Promise<MemoryObjects> {
  const objects = new MemoryObjects();
  for (const [key, bytes] of archive) await objects.put(key, bytes);
  return objects;
}

/** A copy that can be edited. */
export const copyOf = (archive: Archive): Archive =>
  new Map([...archive].map(([key, bytes]) => [key, Buffer.from(bytes)]));

/** What a report skips where no record of `_system` says which trails there should be. */
export const UNSTATED = {
  why: 'which trails there should be: `_system`, which records each as it begins, is not here or names none. Trusted keys and keys/ were compared',
};
