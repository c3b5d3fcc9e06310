import { hash } from 'node:crypto';
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent, ScheduledEvent, SQSEvent } from 'aws-lambda';
import { wireLog } from '../lib/app/log.ts';
import type { ReceiptAnswer, ReceiptRequest, SealAnswer, SealRequest } from './seal-requests.ts';
import { streamRecords } from './stream-changes.ts';
import { withTelemetry } from './telemetry.ts';
import { TrailFollowing } from './trail-following.ts';
import { archivedStores, COUNTED, environmentOf } from './wiring.ts';

/** Time reserved for ending the invocation in order. */
const MARGIN_MS = 10_000;

const environment = environmentOf(process.env);
const { archiveDelayMs, witnessPolicy, witnessEveryMs, tsaUrl, tsaAuthorities } = environment;
const pace = archiveDelayMs === undefined ? {} : { archiveDelayMs };
// Only where there are witnesses: otherwise a cold start reads less.
const policy =
  witnessPolicy === undefined ? undefined : (await import('../lib/log/policy.ts')).parsePolicy(witnessPolicy);
const settings = hash('sha256', JSON.stringify(environment), 'hex');
const following = new TrailFollowing(wireLog(archivedStores(environment), environment, COUNTED), pace, {
  settings,
  policy,
  witnessEveryMs,
  ...(tsaUrl !== undefined && {
    timestamps: { url: tsaUrl, ...(tsaAuthorities !== undefined && { authorities: tsaAuthorities }) },
  }),
});

/**
 * Runs the followers, woken by the table's stream, by a schedule, and by a message halfway between two scheduled runs. It also
 * seals trails and signs COSE receipts on behalf of the function `seal`, which lacks the permissions.
 */
export const handler = withTelemetry(
  async (
    event: DynamoDBStreamEvent | SQSEvent | ScheduledEvent | SealRequest | ReceiptRequest,
    context: Context,
  ): Promise<DynamoDBBatchResponse | SealAnswer | ReceiptAnswer | undefined> => {
    const remainingMs = context.getRemainingTimeInMillis();
    const signal = AbortSignal.timeout(Math.max(1, remainingMs - MARGIN_MS));
    if ('seal' in event) return following.seal(event, signal);
    if ('receipt' in event) return following.receipt(event);
    const changes = streamRecords(event);
    if (changes !== undefined) return following.batch(changes, signal);
    await following.sweep(signal, remainingMs);
    return undefined;
  },
);
