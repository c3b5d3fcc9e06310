import {
  ANSWER_FORMAT,
  type AnswerPeriod,
  type AnswerProof,
  FILTER_NAMES,
  type FilterName,
  type IndexProof,
  type RunAnswer,
  type TermLeaves,
} from '../../contract/query.ts';
import { fromBase64 } from '../../log/encoding.ts';
import { HASH_BYTES, type Hash } from '../../log/hash.ts';
import { isCount, isObject } from '../../log/json.ts';
import { wrong } from './wrong.ts';

/** Reads the proof of an answer, as strictly as it is written. @throws `malformed_proof`, of the kind `form` */
export function parseAnswer(value: unknown): AnswerProof {
  const proof = members(
    value,
    ['format', 'trail', 'filters', 'period', 'range', 'matches', 'records', 'checkpoint', 'proof'],
    ['index'],
  );
  if (proof.format !== ANSWER_FORMAT) throw malformed(`it is not of the format ${ANSWER_FORMAT}`);
  const range = members(proof.range, ['from', 'to']);
  return {
    format: ANSWER_FORMAT,
    trail: text(proof.trail),
    filters: filtersOf(proof.filters),
    period: periodOf(proof.period),
    range: { from: count(range.from), to: count(range.to) },
    matches: list(proof.matches, count),
    records: list(proof.records, text),
    checkpoint: text(proof.checkpoint),
    proof: text(proof.proof),
    ...(proof.index !== undefined && { index: indexOf(proof.index) }),
  };
}

function indexOf(value: unknown): IndexProof {
  const index = members(value, ['checkpoint', 'record', 'proof', 'first', 'runs', 'runsProof', 'answers']);
  return {
    checkpoint: text(index.checkpoint),
    record: text(index.record),
    proof: text(index.proof),
    first: count(index.first),
    runs: list(index.runs, text),
    runsProof: text(index.runsProof),
    answers: list(index.answers, runAnswer),
  };
}

function runAnswer(value: unknown): RunAnswer {
  const { terms, proof } = members(value, ['terms', 'proof']);
  return { terms: list(terms, (filter) => list(filter, termLeaves)), proof: text(proof) };
}

function termLeaves(value: unknown): TermLeaves {
  const { first, leaves } = members(value, ['first', 'leaves']);
  return { first: count(first), leaves: list(leaves, text) };
}

function filtersOf(value: unknown): AnswerProof['filters'] {
  if (!isObject(value)) throw malformed('its filters are no object');
  const filters: Partial<Record<FilterName, readonly string[]>> = {};
  for (const [name, values] of Object.entries(value)) {
    const known = FILTER_NAMES.find((one) => one === name);
    if (known === undefined) throw malformed(`this version knows no filter ${name}`);
    filters[known] = list(values, text);
  }
  return filters;
}

function periodOf(value: unknown): AnswerPeriod {
  const period = members(value, [], ['from', 'to', 'timeFrom', 'timeTo']);
  for (const time of Object.values(period))
    if (!Number.isSafeInteger(time)) throw malformed('a time is no whole number');
  return period as AnswerPeriod; // just tested
}

/** Hashes in base64, one after the other. */
export function hashesOf(joined: string): Hash[] {
  const bytes = fromBase64(joined, 'malformed_proof', 'the hashes of a proof');
  if (bytes.length % HASH_BYTES !== 0) throw malformed(`a hash has ${HASH_BYTES} bytes`);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, n) =>
    bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
  );
}

function members(
  value: unknown,
  required: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (!isObject(value)) throw malformed('a part of it is no object');
  for (const name of required) if (!Object.hasOwn(value, name)) throw malformed(`it lacks ${name}`);
  for (const name of Object.keys(value)) {
    if (!required.includes(name) && !optional.includes(name))
      throw malformed(`it has a member ${name}, which no proof has`);
  }
  return value;
}

function list<T>(value: unknown, read: (one: unknown) => T): T[] {
  if (!Array.isArray(value)) throw malformed('a part of it is no list');
  return value.map(read);
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw malformed('a part of it is no text');
  return value;
}

function count(value: unknown): number {
  if (!isCount(value)) throw malformed('a part of it is no count');
  return value;
}

const malformed = (message: string) => wrong('form', message, 'malformed_proof');
