import * as z from 'zod';
import { VERIFICATION_KINDS, type VerificationReport } from '../../contract/verification.ts';
import type { VerificationStatus, Verifier } from '../../followers/verification/verifier.ts';
import type { Shape } from '../../json/shape.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { count, millis, note, seq } from './reply-fields.ts';

const MODES = ['incremental', 'full'] as const;
const WHOLE = 'must be a whole number, from 0 on';
const first = z.int(WHOLE).min(0, WHOLE).describe('A record number, inclusive.');
const end = z.int(WHOLE).min(0, WHOLE).describe('A record number, exclusive.');

/** What may be sent to ask for a verification: a mode or a range. */
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
      to: end.optional().describe('The record behind the last one of a range; by default the trail’s end.'),
    },
    'must be an object, with `mode` or with `from` and `to`',
  )
  .refine(({ mode, from, to }) => mode === undefined || (from === undefined && to === undefined), {
    path: ['mode'],
    error: 'goes without `from` and `to`, which ask for certain records: leave out one or the other',
  });

export const verificationSchema = z.strictObject({
  trail: z.string(),
  mode: z.enum([...MODES, 'range']),
  range: z
    .strictObject({ from: first, to: end })
    .describe('The records that were asked for, of the mode `range`.')
    .exactOptional(),
  verdict: z.enum(['ok', 'damaged']).describe('Of what was looked at; `notLookedAt` says what was not.'),
  from: count.describe('Records `from` to `to - 1` of the ledger were checked against themselves.'),
  to: count,
  archivedFrom: count.describe('What covers records `archivedFrom` to `archivedTo - 1` was compared with the archive.'),
  archivedTo: count,
  expired: count.describe('Records that had left the hot store, as they were to, and were verified from the archive.'),
  problems: z.array(
    z.strictObject({
      kind: z.enum(VERIFICATION_KINDS).describe('See docs/ledger-verification.md.'),
      seq: seq.exactOptional(),
      object: z.string().exactOptional(),
      message: z.string(),
    }),
  ),
  moreProblems: count.describe('How many there were besides those listed.'),
  notLookedAt: z.array(z.string()),
  checkpoint: z.strictObject({ size: count, note }).exactOptional(),
  startedAt: millis,
  ms: count,
} satisfies Shape<VerificationReport>);

export const verificationStatusSchema = z.strictObject({
  trail: z.string(),
  runs: count,
  failures: count.describe('Runs that found damage.'),
  lastRunAt: millis.describe(
    '0: there was none. Ranges are left out here and in what follows, since they say nothing of the rest.',
  ),
  lastOkAt: millis.describe('0: there was none. It stands still while `damagedAt` is there.'),
  secondsSinceOk: count.exactOptional(),
  damagedAt: millis.describe('When damage was found that no later full verification has found gone.').exactOptional(),
  report: verificationSchema.describe('The newest that was incremental or full.').exactOptional(),
  rangeReport: verificationSchema.describe('The newest on a range.').exactOptional(),
} satisfies Shape<VerificationStatus & { readonly trail: string }>);

/** What verifications need. */
export interface VerifyServices {
  readonly verifier: Pick<Verifier, 'verify' | 'status'>;
}

const path = '/v1/trails/{trail}/verifications';

/** 200 with the report, whatever its verdict. */
export const verifyTrail = route({
  name: 'verifyTrail',
  method: 'POST',
  path,
  action: { on: 'path', anyOf: ['verify'] },
  recorded: 'access.verification',
  summary:
    'Verify the ledger against itself and the archive: what is new, all with {"mode": "full"}, or records with {"from": 0, "to": 100}.',
  body: { schema: verificationRequestSchema, maxBytes: 1000 },
  replies: { 200: verificationSchema },
  handler: async ({ verifier }: VerifyServices, { params: { trail }, body: { mode, from, to } }) => {
    const isRange = from !== undefined || to !== undefined;
    return json(200, await verifier.verify(trail, isRange ? { from, to } : (mode ?? 'incremental')));
  },
});

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
