import type { AnswerPeriod, AnswerProof } from '../../contract/query.ts';
import { FILTER_NAMES } from '../../contract/query.ts';
import { INDEX_TRAIL } from '../../contract/system-trails.ts';
import { timeMillis } from '../../contract/time.ts';
import { numbersOf } from '../../index/format/spans.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { leafHash } from '../../log/hash.ts';
import { checkLeaves } from '../../log/multiproof.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import { filterTest } from '../../question/tests.ts';
import { type TrustedKeys, trailOf } from '../evidence/trust.ts';
import { openTrusted, type ProvenCheckpoint } from '../evidence/trusted-note.ts';
import { checkIndex, type IndexedPart } from './check-index.ts';
import { hashesOf, parseAnswer } from './parse-answer.ts';
import { inKind, wrong } from './wrong.ts';

/** An answer that is proven to be complete. */
export interface ProvenAnswer {
  /** `<log name>/<trail>`. */
  readonly origin: string;
  readonly trail: string;
  readonly filters: AnswerProof['filters'];
  readonly period: AnswerPeriod;
  /** The records `[from, to)`: every one that passes is in the answer. */
  readonly range: { readonly from: number; readonly to: number };
  /** True if the range begins where the period does, and ends where it does; else other pages have the rest. */
  readonly isFromStart: boolean;
  readonly isToEnd: boolean;
  /** The lines of the answer's records, ascending. */
  readonly records: readonly string[];
  /** How many of the range's records the index vouches for: what is not shown of them rests on it. */
  readonly indexed: number;
  readonly checkpoint: ProvenCheckpoint;
  /** That checkpoint as it was signed. */
  readonly note: string;
  /** The checkpoint of `_index`, if the index was used. */
  readonly index?: ProvenCheckpoint;
}

/**
 * Checks offline that an answer has every record that passes, and no other. What it rests on: the signatures; and for records
 * that the index vouches for, that the log filed them truly, which anyone who has the records can check (`sealtrail verify --index`).
 *
 * @param value the parsed JSON of a proof
 * @param known numbers of records of the trail that pass, ascending: the caller has them and has proven them, and the proof does not
 *   show them. @default none
 * @throws `malformed_proof`, `malformed_record`, `malformed_note`, `malformed_checkpoint`, `bad_signature`, `proof_mismatch`, with what
 *   is wrong in `field` (see `ANSWER_KINDS`)
 */
export function checkAnswer(value: unknown, trust: TrustedKeys, known: readonly number[] = []): ProvenAnswer {
  const answer = inKind('form', () => parseAnswer(value));
  const { trail, range, filters, period } = answer;
  const { checkpoint, proven } = inKind('signature', () => openTrusted(answer.checkpoint, trust));
  if (trailOf(checkpoint.origin) !== trail) throw wrong('signature', `the checkpoint is of ${checkpoint.origin}`);
  if (range.from > range.to || range.to > checkpoint.size) {
    throw wrong(
      'coverage',
      `records ${range.from} to ${range.to - 1} are not under a checkpoint of ${checkpoint.size}`,
    );
  }
  const shown = inKind('records', () => shownRecords(answer, checkpoint));
  const opened =
    answer.index && inKind('signature', () => openIndex(answer.index?.checkpoint ?? '', checkpoint, trust));
  const indexed =
    answer.index && opened && range.from < range.to ? checkIndex(answer, answer.index, opened.checkpoint) : undefined;
  const passing = new Set(known);
  assertCandidates(
    answer,
    { size: shown.size + passing.size, has: (seq) => shown.has(seq) || passing.has(seq) },
    indexed,
  );
  const passes = inKind('form', () => testOf(answer));
  const matching = [...shown].filter(([seq, { record }]) => seq >= range.from && seq < range.to && passes(record));
  const numbers = [...matching.map(([seq]) => seq), ...known].sort((a, b) => a - b);
  if (numbers.join() !== answer.matches.join()) {
    throw wrong('answer', 'the records of the answer are not those that pass');
  }
  const [before, after] = [shown.get(range.from - 1), shown.get(range.to)];
  return {
    ...{ origin: checkpoint.origin, trail, filters, period, range },
    isFromStart: range.from === 0 || isBefore(before?.record.receivedAt, period.from),
    isToEnd: range.to === checkpoint.size || !isBefore(after?.record.receivedAt, period.to, true),
    records: matching.map(([, { line }]) => line),
    indexed: Math.max(0, Math.min(indexed?.size ?? 0, range.to) - range.from),
    checkpoint: proven,
    note: answer.checkpoint,
    ...(opened && { index: opened.proven }),
  };
}

/** True if a record was received before a time. @param unknown what holds where there is no record, or no time */
const isBefore = (receivedAt: number | undefined, time: number | undefined, unknown = false): boolean =>
  receivedAt === undefined || time === undefined ? unknown : receivedAt < time;

function openIndex(note: string, { origin }: Checkpoint, trust: TrustedKeys) {
  const opened = openTrusted(note, trust);
  const expected = `${origin.slice(0, origin.lastIndexOf('/'))}/${INDEX_TRAIL}`;
  if (opened.checkpoint.origin !== expected) {
    throw wrong('signature', `the checkpoint of the index is of ${opened.checkpoint.origin}, not of ${expected}`);
  }
  return opened;
}

interface Shown {
  readonly line: string;
  readonly record: SealedRecord;
}

/** The records that are shown, by number, all of them in the trail. */
function shownRecords({ trail, records, proof }: AnswerProof, checkpoint: Checkpoint): Map<number, Shown> {
  const shown = new Map<number, Shown>();
  const leaves = records.map((line) => {
    const record = parseRecord(line);
    if (record.trail !== trail) throw wrong('records', `a record is of trail ${record.trail}`);
    shown.set(record.seq, { line, record });
    return { index: record.seq, hash: leafHash(line) };
  });
  const hashes = hashesOf(proof);
  if (leaves.length > 0) checkLeaves(leaves, checkpoint.size, hashes, checkpoint.root);
  else if (hashes.length > 0) throw wrong('records', 'there are hashes, and no records that they prove');
  return shown;
}

/** That every record of the range that may pass is shown. */
function assertCandidates(
  { range }: AnswerProof,
  shown: Pick<ReadonlyMap<number, unknown>, 'size' | 'has'>,
  indexed: IndexedPart | undefined,
): void {
  const tail = Math.max(range.from, Math.min(indexed?.size ?? 0, range.to));
  // Counted first: a proof of a few bytes must not make its reader look for billions of records.
  if (range.to - tail > shown.size)
    throw wrong('coverage', `not all records from ${tail} on are shown, and no run has them`);
  for (let seq = tail; seq < range.to; seq++) {
    if (!shown.has(seq)) throw wrong('coverage', `record ${seq} is not shown, and no run has it`);
  }
  for (const seq of numbersOf(indexed?.candidates ?? [])) {
    if (!shown.has(seq)) throw wrong('candidates', `record ${seq} may pass and is not shown`);
  }
}

/** True if a record passes all filters and periods. @throws `invalid_parameter` for a value that a filter does not take */
function testOf({ filters, period }: AnswerProof): (record: SealedRecord) => boolean {
  const tests = FILTER_NAMES.flatMap((name) => (filters[name] === undefined ? [] : [filterTest(name, filters[name])]));
  const { from, to, timeFrom, timeTo } = period;
  const isWithin = (at: number | undefined, low: number | undefined, high: number | undefined): boolean =>
    (low === undefined || (at !== undefined && at >= low)) && (high === undefined || (at !== undefined && at < high));
  const happened = ({ event: { time } }: SealedRecord) => (typeof time === 'string' ? timeMillis(time) : undefined);
  return (record) =>
    isWithin(record.receivedAt, from, to) &&
    ((timeFrom === undefined && timeTo === undefined) || isWithin(happened(record), timeFrom, timeTo)) &&
    tests.every((test) => test(record));
}
