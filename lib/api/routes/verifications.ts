import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import {
  VERIFICATION_KINDS,
  VERIFICATION_STATES,
  type VerificationReply,
  type VerificationReport,
  type VerificationStatus,
} from '../../contract/verification.ts';
import type { VerificationJob } from '../../followers/verification/verification-jobs.ts';
import type { Verifications } from '../../followers/verification/verifications.ts';
import type { Verifier } from '../../followers/verification/verifier.ts';
import type { Shape } from '../../json/shape.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { idempotencyKey } from './parameters.ts';
import { count, millis, note, seq } from './reply-fields.ts';

const MODES = ['incremental', 'full'] as const;
const WHOLE = 'must be a whole number, from 0 on';
const first = z.int(WHOLE).min(0, WHOLE).describe('A record number, inclusive.');
const end = z.int(WHOLE).min(0, WHOLE).describe('A record number, exclusive.');

/** The body of a request for a verification: a mode or a range. */
const verificationRequestSchema = z
  .strictObject(
    {
      mode: z
        .enum(MODES, 'must be incremental or full')
        .optional()
        .describe(
          '`incremental`, the default: from the last verified checkpoint on. `full`: from record 0 on. Not with a range.',
        ),
      from: first.optional().describe('The first record of a range; by default 0.'),
      to: end.optional().describe('One past the last record of a range; by default the trail’s end.'),
    },
    'must be an object, with `mode` or with `from` and `to`',
  )
  .refine(({ mode, from, to }) => mode === undefined || (from === undefined && to === undefined), {
    path: ['mode'],
    error: 'cannot be combined with `from` and `to`: leave out one or the other',
  });

export const verificationSchema = z.strictObject({
  trail: z.string(),
  mode: z.enum([...MODES, 'range']),
  range: z
    .strictObject({ from: first, to: end })
    .describe('The requested records, for the mode `range`.')
    .exactOptional(),
  verdict: z.enum(['ok', 'damaged']).describe('The verdict on what was checked; `notLookedAt` lists what was not.'),
  from: count.describe('Records `from` to `to - 1` of the ledger were checked against themselves.'),
  to: count,
  archivedFrom: count.describe(
    'Everything covering records `archivedFrom` to `archivedTo - 1` was compared with the archive.',
  ),
  archivedTo: count,
  expired: count.describe('Records that had left the hot store on schedule and were verified from the archive.'),
  problems: z.array(
    z.strictObject({
      kind: z.enum(VERIFICATION_KINDS).describe('See docs/ledger-verification.md.'),
      seq: seq.exactOptional(),
      object: z.string().exactOptional(),
      message: z.string(),
    }),
  ),
  moreProblems: count.describe('The number of problems besides those listed.'),
  notLookedAt: z.array(z.string()),
  checkpoint: z.strictObject({ size: count, note }).exactOptional(),
  startedAt: millis,
  ms: count,
} satisfies Shape<VerificationReport>);

export const verificationStatusSchema = z.strictObject({
  trail: z.string(),
  runs: count,
  failures: count.describe('Runs that found damage.'),
  lastRunAt: millis.describe('0: never. Here and below, ranges do not count, since they say nothing about the rest.'),
  lastOkAt: millis.describe('0: never. It does not advance while `damagedAt` is present.'),
  secondsSinceOk: count.exactOptional(),
  damagedAt: millis.describe('When damage was found, unless a later full verification found it gone.').exactOptional(),
  report: verificationSchema.describe('The newest incremental or full report.').exactOptional(),
  rangeReport: verificationSchema.describe('The newest report on a range.').exactOptional(),
} satisfies Shape<VerificationStatus>);

export const verificationReplySchema = z.strictObject({
  id: z.string(),
  trail: z.string(),
  state: z.enum(VERIFICATION_STATES).describe('`failed`: it did not finish, which says nothing about the trail.'),
  request: z
    .union([z.enum(MODES), z.strictObject({ from: first.exactOptional(), to: end.exactOptional() })])
    .describe('The requested mode or range.'),
  requestedBy: z.string(),
  requestedAt: millis,
  progress: z
    .strictObject({ at: count.describe('Records before this one have been checked.'), of: count })
    .exactOptional(),
  report: verificationSchema.exactOptional(),
  error: z
    .strictObject({ code: z.string(), message: z.string(), field: z.string().exactOptional() })
    .describe('Why it failed.')
    .exactOptional(),
} satisfies Shape<VerificationReply>);

/** Services for verifications. */
export interface VerifyServices {
  readonly verifier: Pick<Verifier, 'status'>;
  readonly verifications: Pick<Verifications, 'request' | 'get' | 'settled'>;
}

const path = '/v1/trails/{trail}/verifications';

/** Seconds that a request waits for its report by default, and at most: API Gateway gives up after 30. */
const WAIT_SECONDS = 5;
const MAX_WAIT_SECONDS = 20;

/** 200 with the report, whatever its verdict, if it is ready in time. Else 202 with the id, and its URL in `location`. */
export const verifyTrail = route({
  name: 'verifyTrail',
  method: 'POST',
  path,
  action: { on: 'path', anyOf: ['verify'] },
  recorded: 'access.verification',
  summary:
    'Verify the ledger against itself and the archive: new records by default, all with {"mode": "full"}, or a range with {"from": 0, "to": 100}.',
  headers: z.strictObject({
    'Idempotency-Key': idempotencyKey,
    Prefer: z
      .string()
      .default('')
      .describe(
        `\`respond-async\`: do not wait for the report. \`wait=N\`: wait N seconds for it, ${MAX_WAIT_SECONDS} at most; ${WAIT_SECONDS} by default (RFC 7240).`,
      ),
  }),
  body: { schema: verificationRequestSchema, maxBytes: 1000 },
  replies: { 200: verificationSchema, 202: verificationReplySchema },
  handler: async (
    { verifications }: VerifyServices,
    { params: { trail }, headers: { 'Idempotency-Key': key, Prefer }, body: { mode, from, to }, caller },
  ) => {
    const isRange = from !== undefined || to !== undefined;
    const asker = { name: caller, ...defined({ idempotencyKey: key }) };
    const job = await verifications.request(trail, isRange ? defined({ from, to }) : (mode ?? 'incremental'), asker);
    const found = await verifications.settled(job, waitOf(Prefer) * 1000);
    const headers = { location: `/v1/trails/${trail}/verifications/${found.id}` };
    if (found.error !== undefined) {
      const { code, message, ...where } = found.error;
      throw new SealtrailError(code as ErrorCode, message, where); // the code of the original error
    }
    return found.report === undefined ? json(202, replyOf(found), headers) : json(200, found.report, headers);
  },
});

/** RFC 7240 sections 4.1 and 4.3. @returns seconds */
function waitOf(prefer: string): number {
  if (/(?:^|,)\s*respond-async\s*(?:,|;|$)/i.test(prefer)) return 0;
  const wait = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:,|;|$)/i.exec(prefer)?.[1];
  return Math.min(MAX_WAIT_SECONDS, Number(wait ?? WAIT_SECONDS));
}

function replyOf({ lease: _, attempts: __, lanes: ___, lane: ____, ...reply }: VerificationJob): VerificationReply {
  return reply;
}

export const getVerification = route({
  name: 'getVerification',
  method: 'GET',
  path: '/v1/trails/{trail}/verifications/{verification}',
  action: { on: 'path', anyOf: ['verify'] },
  recorded: false,
  summary: 'The progress of a verification, for two days; once it is done, its report.',
  params: z.strictObject({ verification: z.string().describe('The id of a verification.') }),
  replies: { 200: verificationReplySchema },
  handler: async ({ verifications }: VerifyServices, { params: { trail, verification: id } }) => {
    const job = VERIFICATION_ID.test(id) ? await verifications.get(trail, id) : undefined;
    if (job === undefined) {
      throw new SealtrailError('not_found', `trail ${trail} has no such verification, or it has expired`);
    }
    return json(200, replyOf(job));
  },
});

const VERIFICATION_ID = /^[0-9a-f]{32}$/;

export const getVerifications = route({
  name: 'getVerifications',
  method: 'GET',
  path,
  action: { on: 'path', anyOf: ['verify'] },
  recorded: false,
  summary: 'The newest verifications, and figures for alarms.',
  replies: { 200: verificationStatusSchema },
  handler: async ({ verifier }: VerifyServices, { params: { trail } }) => json(200, await verifier.status(trail)),
});
