import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent, ScheduledEvent, SQSEvent } from 'aws-lambda';
import { LegalHolds } from '../lib/followers/legal-hold/legal-holds.ts';
import { ArchivedRecords } from '../lib/ledger/archived-records.ts';
import { archiveStore } from './archive-store.ts';
import { openArchiver } from './archiver.ts';
import { environmentOf } from './environment.ts';
import { openExpirer } from './expirer.ts';
import { TrailFollowing } from './follow-trails.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { openLog } from './log.ts';
import type { SealAnswer, SealOrder } from './seal-orders.ts';
import { streamRecords } from './stream-changes.ts';

/** What is left of the invocation's time to come to an orderly end. */
const MARGIN_MS = 10_000;

const environment = environmentOf(process.env);
const objects = archiveStore(environment);
const stores = ledgerStores(environment);
const log = openLog({ ...stores, objects }, environment);
const archive = new ArchivedRecords({ objects, table: log.table });
const following = new TrailFollowing({
  ...{ ...log, archive },
  archiver: openArchiver(log, objects, environment, stores.retired),
  expirer: openExpirer(log, archive, environment),
  holds: new LegalHolds({ table: log.table, objects }),
});

/**
 * Seals, archives and indexes: woken by the table's stream, by a schedule, and by a message halfway between two. And seals what
 * the function `seal` asks for, which may not.
 */
export const handler = handlerOf(
  async (
    event: DynamoDBStreamEvent | SQSEvent | ScheduledEvent | SealOrder,
    context: Context,
  ): Promise<DynamoDBBatchResponse | SealAnswer | undefined> => {
    const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS));
    if ('seal' in event) return following.seal(event, signal);
    const changes = streamRecords(event);
    if (changes !== undefined) return following.batch(changes, signal);
    await following.sweep(signal);
    return undefined;
  },
);
