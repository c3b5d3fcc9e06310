import { fromBase64, toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { checkLeaves } from '../../log/multiproof.ts';
import type { TrustedKeys } from '../evidence/trust.ts';
import { openTrusted } from '../evidence/trusted-note.ts';
import type { BatchHeader, Held } from './stream-items.ts';
import { MAX_FINDINGS, type StreamFinding, type StreamFindingKind, type TrailStream } from './stream-report.ts';

/** The copy of one trail, put together. */
interface Collected {
  readonly trail: string;
  readonly held: ReadonlyMap<number, Held>;
  readonly batches: readonly BatchHeader[];
  readonly trust: TrustedKeys;
  readonly range: { readonly from?: number; readonly to?: number };
}

/** Checks the batches of one trail, and that they join. */
export function checkBatches(copy: Collected): Omit<TrailStream, 'repeated'> {
  const { trail, held, batches, range } = copy;
  const findings = new Findings();
  const sorted = batches.toSorted((a, b) => a.from - b.from || a.to - b.to);
  const numbers = [...held.keys()].sort((a, b) => a - b);
  const covered = new Coverage();
  for (const { from, to } of sorted) covered.add(from, to);
  const newest = checkEach(findings, sorted, numbers, copy);
  const from = range.from ?? Math.min(sorted[0]?.from ?? 0, numbers[0] ?? Number.POSITIVE_INFINITY);
  const to = range.to ?? Math.max(covered.end, (numbers.at(-1) ?? -1) + 1);
  for (const gap of covered.gaps(from, to)) {
    const there = slice(numbers, gap.from, gap.to).length;
    const message = `${subject(gap.from, gap.to - 1)} ${there === 0 ? 'missing' : 'there without a proof'}`;
    findings.add(there === 0 ? 'missing' : 'unproven', gap.from, gap.to - 1, message);
  }
  checkChain(findings, numbers, held);
  const log = sorted[0]?.log;
  const isFiltered = sorted.some((batch) => batch.isFiltered);
  return {
    ...{ trail, from, to, records: numbers.length, batches: sorted.length, isFiltered, findings: findings.list },
    ...(log !== undefined && { log }),
    ...(newest && { newest }),
  };
}

/** @returns the newest checkpoint that any of them is proven to be under */
function checkEach(
  findings: Findings,
  sorted: readonly BatchHeader[],
  numbers: readonly number[],
  copy: Collected,
): TrailStream['newest'] {
  let newest: TrailStream['newest'];
  const roots = new Map<number, string>();
  for (const batch of sorted) {
    const { from, to, log } = batch;
    if (log !== sorted[0]?.log) findings.add('signature', from, to - 1, `a batch is of the log ${log}`);
    const shown = slice(numbers, from, to);
    checkCount(findings, batch, shown);
    const proven = checkBatch(findings, batch, shown, copy);
    if (proven === undefined) continue;
    if ((roots.get(proven.size) ?? proven.root) !== proven.root) {
      findings.add('altered', from, to - 1, `two signed checkpoints of ${proven.size} records contradict each other`);
    }
    roots.set(proven.size, proven.root);
    if (newest === undefined || proven.size >= newest.size) newest = proven;
  }
  return newest;
}

function checkCount(findings: Findings, batch: BatchHeader, shown: readonly number[]): void {
  const { from, to, count } = batch;
  if (!batch.isFiltered) findMissing(findings, shown, batch);
  if (shown.length === count) return;
  findings.add(
    'missing',
    from,
    to - 1,
    `the batch of ${from} to ${to - 1} has ${shown.length} of its ${count} records`,
  );
}

function findMissing(findings: Findings, shown: readonly number[], { from, to }: BatchHeader): void {
  let next = from;
  for (const seq of [...shown, to]) {
    if (seq > next) findings.add('missing', next, seq - 1, `${subject(next, seq - 1)} missing`);
    next = seq + 1;
  }
}

/** @returns the checkpoint that the batch's records are proven to be under */
function checkBatch(
  findings: Findings,
  { log, from, to, checkpoint: note, proof }: BatchHeader,
  shown: readonly number[],
  { trail, held, trust }: Pick<Collected, 'trail' | 'held' | 'trust'>,
): TrailStream['newest'] {
  const batch = `the batch of ${from} to ${to - 1}`;
  if (note === undefined) {
    findings.add('unproven', from, to - 1, `${batch} came without a proof`);
    return undefined;
  }
  let opened: ReturnType<typeof openTrusted>;
  try {
    opened = openTrusted(note, trust);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    findings.add('signature', from, to - 1, `the checkpoint of ${batch} does not hold: ${error.message}`);
    return undefined;
  }
  const { size, root, keys, origin } = opened.proven;
  if (origin !== `${log}/${trail}`) {
    findings.add('signature', from, to - 1, `the checkpoint of ${batch} is of ${origin}`);
    return undefined;
  }
  if (to > size) {
    findings.add('unproven', from, to - 1, `the checkpoint of ${batch} covers ${size} records`);
    return undefined;
  }
  try {
    const hashes = proof.map((hash) => fromBase64(hash, 'malformed_proof', 'a hash'));
    const leaves = shown.map((index) => ({ index, hash: held.get(index)?.leaf ?? new Uint8Array(0) }));
    if (leaves.length > 0) checkLeaves(leaves, size, hashes, opened.checkpoint.root);
    return { size, root, keys };
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    findings.add('altered', from, to - 1, `${batch} is not what was sealed: ${error.message}`);
    return undefined;
  }
}

/** Where two neighbours are there, each names the hash of the one before (docs/spec.md, "Records"): says which was altered. */
function checkChain(findings: Findings, numbers: readonly number[], held: ReadonlyMap<number, Held>): void {
  for (const seq of numbers) {
    const before = held.get(seq - 1);
    if (before === undefined || held.get(seq)?.prev === toHex(before.leaf)) continue;
    findings.add(
      'altered',
      seq - 1,
      seq,
      `record ${seq} does not follow from record ${seq - 1}: one of the two was altered`,
    );
  }
}

/** The records that batches cover. Batches come by their first numbers. */
class Coverage {
  readonly #parts: { from: number; to: number }[] = [];

  get end(): number {
    return this.#parts.at(-1)?.to ?? 0;
  }

  add(from: number, to: number): void {
    const last = this.#parts.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else this.#parts.push({ from, to });
  }

  gaps(from: number, to: number): { readonly from: number; readonly to: number }[] {
    const gaps: { from: number; to: number }[] = [];
    let next = from;
    for (const part of this.#parts) {
      if (part.from > next) gaps.push({ from: next, to: Math.min(part.from, to) });
      next = Math.max(next, part.to);
    }
    if (next < to) gaps.push({ from: next, to });
    return gaps.filter((gap) => gap.from < gap.to);
  }
}

class Findings {
  readonly list: StreamFinding[] = [];

  add(kind: StreamFindingKind, seq: number, lastSeq: number, message: string): void {
    if (this.list.length < MAX_FINDINGS) this.list.push({ kind, seq, ...(lastSeq > seq && { lastSeq }), message });
  }
}

const subject = (first: number, last: number): string =>
  first === last ? `record ${first} is` : `records ${first} to ${last} are`;

/** Of ascending numbers those from `from` to before `to`. */
function slice(numbers: readonly number[], from: number, to: number): readonly number[] {
  return numbers.slice(firstAtLeast(numbers, from), firstAtLeast(numbers, to));
}

function firstAtLeast(numbers: readonly number[], wanted: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
