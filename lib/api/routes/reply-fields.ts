import * as z from 'zod';
import {
  ABSENCE_REASONS,
  type Absence,
  ANSWER_FORMAT,
  type AnswerPeriod,
  type AnswerProof,
  FILTER_NAMES,
  type IndexProof,
  MASKED_FILTERS,
  type Masked,
  type RunAnswer,
  type TermLeaves,
} from '../../contract/query.ts';
import type { Breakdown } from '../../contract/summary.ts';
import type { Shape } from '../../json/shape.ts';

/** Schemas of fields that several responses share. */

export const count = z.int().min(0);
export const seq = count.describe('A record number, from 0 on.');
export const millis = count.describe('Unix milliseconds.');
export const hex = z.string().regex(/^[0-9a-f]{64}$/);
export const hash64 = z.string().length(44).describe('A SHA-256 hash in base64.');
export const note = z.string().describe('A signed checkpoint (C2SP tlog-checkpoint).');
export const masked = z.strictObject({
  filter: z.enum(MASKED_FILTERS),
  asked: z.string(),
  as: z.string().describe('How records hold it.'),
  shared: z
    .string()
    .describe('The mask without a tag, where records have it: they may be of others whose addresses look alike.')
    .exactOptional(),
} satisfies Shape<Masked>);
export const absence = z
  .array(
    z.strictObject({
      reason: z.enum(ABSENCE_REASONS),
      trail: z.string(),
      filter: z.enum(FILTER_NAMES).exactOptional(),
      value: z.string().describe('What no record has.').exactOptional(),
      near: z.array(z.string()).describe('Values that are there and look alike.').exactOptional(),
      size: count.describe('Records of the trail.'),
      first: millis.describe('When its first record was received.').exactOptional(),
      newest: millis.describe('When its newest record was received.').exactOptional(),
    } satisfies Shape<Absence>),
  )
  .describe('Why the answer is empty, where it is: see docs/queries.md.');
export const breakdown = z.strictObject({
  values: z.array(z.strictObject({ value: z.string(), count })).describe('Most records first.'),
  distinct: count,
  others: count.describe('Records with values that are not listed.'),
} satisfies Shape<Breakdown>);

const hashes = z.string().describe('Hashes of 32 bytes, one after the other, in base64.');
const texts = z.array(z.string());
const runAnswer = z.strictObject({
  terms: z
    .array(
      z.array(
        z.strictObject({
          first: count.describe('The number of the first leaf.'),
          leaves: texts.describe('Consecutive leaves in base64.'),
        } satisfies Shape<TermLeaves>),
      ),
    )
    .describe('For each filter that the index carries, and each of its values.'),
  proof: hashes,
} satisfies Shape<RunAnswer>);
const indexProof = z.strictObject({
  checkpoint: note,
  record: z.string().describe('The line of the record in `_index` that states the runs.'),
  proof: hashes,
  first: count.describe('The number of the first run.'),
  runs: texts,
  runsProof: hashes,
  answers: z.array(runAnswer).describe('For each run.'),
} satisfies Shape<IndexProof>);
const answerPeriod = z.strictObject({
  from: z.int().exactOptional(),
  to: z.int().exactOptional(),
  timeFrom: z.int().exactOptional(),
  timeTo: z.int().exactOptional(),
} satisfies Shape<AnswerPeriod>);
export const answerProof = z
  .strictObject({
    format: z.literal(ANSWER_FORMAT),
    trail: z.string(),
    filters: z.record(z.string(), texts),
    period: answerPeriod,
    range: z.strictObject({ from: count, to: count }),
    matches: z.array(seq),
    records: texts.describe('Record lines.'),
    checkpoint: note,
    proof: hashes,
    index: indexProof.exactOptional(),
  } satisfies Shape<AnswerProof>)
  .describe('See docs/spec.md, "Proofs of answers".');
