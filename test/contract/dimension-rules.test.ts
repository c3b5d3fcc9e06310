import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { DIMENSION_RULES, dimensionsOf } from '../../lib/contract/dimensions.ts';
import { parseRecord } from '../../lib/log/record.ts';

/** The promise: an index is built again when a record is filed differently, which the number of the rules alone can tell. */

const RECORDS = resolve(import.meta.dirname, '../vectors/v1/data/archive/orders/records');

/**
 * By dimension: a digest of what frozen records have in it. Where one of these changes, queries would miss records in every index that
 * stands: raise `DIMENSION_RULES`, and pin the digests anew. A new dimension needs no row here.
 */
const PINNED = {
  rules: 1,
  digests: {
    action: 'a1d5fbb8f21d',
    actor: 'bacbe6c3d841',
    actorType: '7b0c6d800a57',
    agent: '8c4049564cdd',
    approval: '27a22fab8a78',
    correlation: 'b85afd29afa5',
    decision: '5c5e966b7ed5',
    id: '98521d1fdbe3',
    outcome: 'e1b03ecda7cd',
    project: 'e0b1bd61a941',
    request: 'dc56c2e74fb9',
    resource: '395a9c2b445e',
    resourceType: '4431c85b1e07',
    session: 'd61529590977',
    severity: '4f40b0dc2e21',
    submitter: '54c53583bd80',
    tenant: 'b8fe835d0848',
    type: 'fc4d8f331eed',
  },
};

it('files the records of old as the rules of this number always did', async () => {
  const files = (await readdir(RECORDS, { recursive: true })).filter((file) => file.endsWith('.gz')).sort();
  const values = new Map<string, string[]>();
  for (const file of files) {
    const lines = gunzipSync(await readFile(join(RECORDS, file)))
      .toString()
      .trimEnd()
      .split('\n');
    for (const line of lines) {
      const record = parseRecord(line);
      for (const [dimension, value] of dimensionsOf(record)) {
        values.set(dimension, [...(values.get(dimension) ?? []), `${record.seq} ${value}`]);
      }
    }
  }
  const digests = [...values].map(([dimension, found]) => [dimension, hash('sha256', found.join('\n')).slice(0, 12)]);
  expect(DIMENSION_RULES).toBe(PINNED.rules);
  expect(Object.fromEntries(digests)).toMatchObject(PINNED.digests);
});
