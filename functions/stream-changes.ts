import type { AttributeValue, DynamoDBRecord, DynamoDBStreamEvent, ScheduledEvent, SQSEvent } from 'aws-lambda';
import type { ItemChange } from '../lib/followers/tampering/tamper-monitor.ts';
import { splitPartition } from '../lib/ledger/items/layout.ts';
import { attributeName, EXPIRES_AT, PARTITION, SORT } from '../lib/store/dynamodb/item.ts';

type Image = Readonly<Record<string, AttributeValue>>;

/** The principal that removes expired items (DynamoDB developer guide, "Time to Live and streams"). */
const EXPIRY = 'dynamodb.amazonaws.com';
const SIZE = attributeName('size');
const CHANGES = { INSERT: 'insert', MODIFY: 'modify', REMOVE: 'remove' } as const;

/** The records of an event from a table's stream; undefined for any other event. */
export function streamRecords(
  event: DynamoDBStreamEvent | SQSEvent | ScheduledEvent,
): readonly DynamoDBRecord[] | undefined {
  if (!('Records' in event)) return undefined;
  const changes = event.Records.filter((record) => 'dynamodb' in record);
  return changes.length > 0 ? changes : undefined;
}

/**
 * The trails that a batch of stream records wakes, each with the sequence number of its first record in the batch. Stream
 * records only wake followers, which read the ledger itself.
 */
export function wakesOf(records: readonly DynamoDBRecord[]): ReadonlyMap<string, string> {
  const wakes = new Map<string, string>();
  for (const { dynamodb } of records) {
    const { kind, trail } = splitPartition(dynamodb?.Keys?.partition?.S ?? '') ?? {};
    if (kind !== 'head' || trail === undefined) continue;
    if (!wakes.has(trail)) wakes.set(trail, dynamodb?.SequenceNumber ?? '');
  }
  return wakes;
}

/** Converts a stream record (with both images) for the tamper monitor. */
export function changeOf(record: DynamoDBRecord): ItemChange | undefined {
  const { eventID: id, eventName, dynamodb, userIdentity } = record;
  const partition = dynamodb?.Keys?.[PARTITION]?.S;
  const sort = dynamodb?.Keys?.[SORT]?.S;
  if (id === undefined || eventName === undefined || partition === undefined || sort === undefined) return undefined;
  const before: Image = dynamodb?.OldImage ?? {};
  const after: Image = dynamodb?.NewImage ?? {};
  return {
    id,
    change: CHANGES[eventName],
    key: { partition, sort },
    changed: eventName === 'MODIFY' ? differences(before, after) : [],
    size: { before: numberIn(before, SIZE), after: numberIn(after, SIZE) },
    expiresAt: numberIn(eventName === 'REMOVE' ? before : after, EXPIRES_AT),
    expired: userIdentity?.principalId === EXPIRY,
  };
}

function differences(before: Image, after: Image): string[] {
  const prefix = attributeName('');
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => (name === EXPIRES_AT || !name.startsWith(prefix) ? name : name.slice(prefix.length)));
}

function numberIn(image: Image, name: string): number | undefined {
  const text = image[name]?.N;
  return text === undefined ? undefined : Number(text);
}
