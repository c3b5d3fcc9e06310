import type { DynamoDBRecord } from 'aws-lambda';
import { splitPartition } from '../lib/ledger/items/layout.ts';

/**
 * The trails that a batch of stream records wakes, each with the sequence number of its first record in the batch. A stream
 * record only wakes: what happened is read from the ledger.
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
