import type { DynamoDBRecord } from 'aws-lambda';

/** The head's partition is `head/<trail>`: see `lib/ledger/items/layout.ts`. */
const HEAD = 'head/';

/**
 * Which trails a batch of stream records wakes, each with the sequence number of its first record in the batch. A stream
 * record is a wake-up and nothing else: what happened is read from the ledger.
 */
export function wakesOf(records: readonly DynamoDBRecord[]): ReadonlyMap<string, string> {
  const wakes = new Map<string, string>();
  for (const { dynamodb } of records) {
    const partition = dynamodb?.Keys?.partition?.S;
    if (partition === undefined || !partition.startsWith(HEAD)) continue;
    const trail = partition.slice(HEAD.length);
    if (!wakes.has(trail)) wakes.set(trail, dynamodb?.SequenceNumber ?? '');
  }
  return wakes;
}
