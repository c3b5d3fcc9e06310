import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openExports } from '../../lib/app/exports.ts';
import { FOLLOWERS, openFollowers, SCHEDULED } from '../../lib/app/followers.ts';
import { type ArchivedLog, wireLog } from '../../lib/app/log.ts';
import { openQueries } from '../../lib/app/queries.ts';
import { LegalHoldOrders } from '../../lib/followers/legal-hold/legal-hold-requests.ts';
import { visitTrail } from '../../lib/followers/runtime/visit.ts';
import { readIndexSnapshot } from '../../lib/index/format/index-state.ts';
import type { StoredKind } from '../../lib/ledger/items/format.ts';
import {
  blockKey,
  blockPartKey,
  CURSOR_SECRET_KEY,
  checkpointKey,
  exportKey,
  headKey,
  idempotencyKey,
  landingKey,
  MASK_SECRET_KEY,
  openTileKey,
  producerDueKey,
  producerKey,
  rebuiltKey,
  recalledKey,
  refusalKey,
  trailKey,
  turnKey,
  verificationKey,
  verificationScopeKey,
  waitingKey,
  watermarkKey,
} from '../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { FIRST_LINK } from '../../lib/log/producer.ts';
import type { Key } from '../../lib/store/ports.ts';
import { MemoryDownloads } from '../../lib/testing/memory/downloads.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { filesOf } from '../support/index-files.ts';

/**
 * An item that cannot be read, no matter who wrote it, is named and harms nothing but what it stands for: every follower goes on with every
 * other trail, appends there are taken, and exports of every trail are made.
 */

const POISONED = 'poisoned';
const SOUND = 'sound';
const EXPORT_ID = 'e'.repeat(32);
const WHOLE = { format: 'ndjson', compression: 'none', filters: {} } as const;

/** An event that says which number its producer gave it, and that it knows of none before. */
const numbered = (producer: string, seq: number) => {
  const id = `${producer}-${seq}`;
  return { id, json: JSON.stringify({ id, producer: { id: producer, prev: FIRST_LINK, seq }, type: 'order.paid' }) };
};
const events = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({
    id: `e-${from + n}`,
    json: `{"id":"e-${from + n}","type":"order.paid"}`,
  }));

/** One process: a log, its followers and its exports. */
async function processOn(table: MemoryTable, objects: MemoryObjects, signer: MemorySigner) {
  const log = wireLog(
    { table, objects, files: filesOf(table), signers: [signer] },
    { logName: 'audit.example.com', retention: { default: { hotDays: 30 } } },
  );
  const pace = { archiveDelayMs: 0, gapGraceMs: 0, indexDelayMs: 0, verifyEveryMs: 1 };
  const followers = openFollowers({ ...FOLLOWERS, ...SCHEDULED }, log, { pace });
  const unreadable: string[] = [];
  const exports = openExports(log, {
    queries: await openQueries(log),
    downloads: new MemoryDownloads(),
    start: async () => undefined,
    onError: (_, trail, id) => unreadable.push(`${trail} ${id}`),
  });
  return { log, followers, exports, unreadable };
}

async function visit({ followers }: Awaited<ReturnType<typeof processOn>>) {
  const errors: { readonly trail: string; readonly error: unknown }[] = [];
  const onError = (error: unknown, { trail }: { readonly trail: string }) => void errors.push({ trail, error });
  for (const trail of [POISONED, SOUND]) {
    await visitTrail(trail, { followers: Object.values(followers), force: true, onError });
  }
  return errors;
}

async function fill({ ledger }: ArchivedLog, trail: string): Promise<void> {
  const idempotency = { key: 'first', bodyHash: 'body' };
  await ledger.append({ trail, submitter: 'shop', events: events(0, 300), idempotency });
  await ledger.append({ trail, submitter: 'shop', events: [numbered('till', 0), numbered('till', 2)] });
  if (trail === POISONED) await ledger.append({ trail, submitter: 'shop', events: LARGE });
}

/** Events whose block does not fit into one item, since they do not compress. */
const LARGE = Array.from({ length: 14 }, (_, n) => ({
  id: `l-${n}`,
  json: `{"details":{"a":"${randomBytes(22_000).toString('base64')}"},"id":"l-${n}","type":"order.paid"}`,
}));

/** Kinds of items that stand in a trail, each with all places of one: a kind that is added does not compile without. */
const OF_A_TRAIL: Readonly<Record<Exclude<StoredKind, ElsewhereTested | `${string}.json`>, readonly Key[]>> = {
  head: [headKey(POISONED)],
  block: [blockKey(POISONED, 0)],
  'block part': [blockPartKey(POISONED, 302, 1)],
  checkpoint: [checkpointKey(POISONED, 303)],
  'idempotency key': [idempotencyKey(POISONED, 'shop', 'first')],
  'recalled event': [recalledKey(POISONED, 'shop', 'ab', 0)],
  'rebuilt trail': [rebuiltKey(POISONED)],
  trail: [trailKey(POISONED)],
  'edge tile': [openTileKey(POISONED, 1)],
  watermark: [...['archiver', 'producers', 'expirer', 'legal-hold', 'verifier', 'beginnings', 'signer', 'history']].map(
    (name) => watermarkKey(POISONED, name),
  ),
  'index state': [watermarkKey(POISONED, 'indexer')],
  producer: [producerKey(POISONED, 'till', 'shop')],
  'due producer': [producerDueKey(POISONED, 1, 'till', 'shop')],
  refusal: [refusalKey(POISONED)],
  export: [exportKey(POISONED, EXPORT_ID)],
  verification: [verificationKey(POISONED, 'v')],
  'verification scope': [verificationScopeKey(POISONED, 'full')],
  turn: [turnKey(POISONED)],
  'waiting submission': [waitingKey(POISONED, 0, 1, 'w')],
  landing: [landingKey(POISONED, 'l')],
};

/** Of the whole log: tested below, with the lists of work (`sweep.test.ts`) and with the witnesses. */
type ElsewhereTested =
  | 'cursor secret'
  | 'mask secret'
  | 'retired key'
  | 'due trail'
  | 'full pass'
  | 'resting trail'
  | 'witnessed checkpoint';

const KINDS = Object.entries(OF_A_TRAIL).flatMap(([kind, keys]) => keys.map((key) => [kind, key] as const));

describe('an item that cannot be read', () => {
  it.each(KINDS)('harms nothing but what it stands for: %s %j', async (kind, key) => {
    const [table, objects, signer] = [new MemoryTable(), new MemoryObjects(), new MemorySigner()];
    const before = await processOn(table, objects, signer);
    for (const trail of [POISONED, SOUND]) {
      await fill(before.log, trail);
      await new LegalHoldOrders(before.log).set(trail, { held: true, reason: 'case 7', by: 'ann' });
    }
    expect(await visit(before)).toEqual([]);

    await table.transact([{ put: { ...key, attributes: { garbled: 'x' } } }]);
    const after = await processOn(table, objects, signer);
    await after.log.ledger.append({ trail: SOUND, submitter: 'shop', events: events(300, 310) });
    const errors = await visit(after);
    for (const { trail, error } of errors) {
      expect([trail, error]).toEqual([POISONED, expect.any(SealtrailError)]);
      expect(String(error)).toContain(POISONED);
    }
    const size = 312;
    expect((await after.log.ledger.checkpoint(SOUND))?.size).toBe(size);
    expect(await after.followers.archiver.status(SOUND)).toMatchObject({ archived: size });
    expect((await readIndexSnapshot(table, SOUND)).size).toBe(size);

    for (const trail of kind === 'export' ? [SOUND, POISONED] : [SOUND]) {
      const { id } = await after.exports.request(trail, WHOLE, { name: 'ann' });
      await after.exports.run(trail, id);
      expect((await after.exports.get(trail, id))?.state).toBe('done');
    }
    await after.exports.removeExpired();
    expect(await Array.fromAsync(after.exports.unfinished())).toEqual([]);
    if (kind === 'export') expect(new Set(after.unreadable)).toEqual(new Set([`${POISONED} ${EXPORT_ID}`]));
  });
});

it('has one producer set aside and the others of its trail followed', async () => {
  const [table, objects, signer] = [new MemoryTable(), new MemoryObjects(), new MemorySigner()];
  const before = await processOn(table, objects, signer);
  await fill(before.log, POISONED);
  await before.followers.producers.run(POISONED, { force: true });
  await table.transact([{ put: { ...producerKey(POISONED, 'till', 'shop'), attributes: { garbled: 'x' } } }]);

  const { log, followers } = await processOn(table, objects, signer);
  const more = [numbered('till', 4), numbered('gate', 0), numbered('gate', 5)];
  await log.ledger.append({ trail: POISONED, submitter: 'shop', events: more });
  const run = () => followers.producers.run(POISONED, { force: true });
  await expect(run()).rejects.toMatchObject({
    code: 'store_corrupt',
    message: `the state of producer till in trail ${POISONED} is not readable`,
  });
  await run();
  const recorded: string[] = [];
  for await (const { lines } of log.ledger.blocks('_system', { from: 0, to: 100 })) recorded.push(...lines);
  expect(recorded.some((line) => line.includes('"producer":"gate"'))).toBe(true);
});

describe('an item of the whole log that cannot be read', () => {
  it('is made anew where that costs cursors only', async () => {
    const table = new MemoryTable();
    const [objects, signer] = [new MemoryObjects(), new MemorySigner()];
    await table.transact([{ put: { ...CURSOR_SECRET_KEY, attributes: { secret: new Uint8Array(3) } } }]);
    const { log, exports } = await processOn(table, objects, signer);
    await fill(log, SOUND);
    const { id } = await exports.request(SOUND, WHOLE, { name: 'ann' });
    await exports.run(SOUND, id);
    expect((await exports.get(SOUND, id))?.state).toBe('done');
  });

  it('is named where people would get other tags, and no trail without masks minds', async () => {
    const table = new MemoryTable();
    await table.transact([{ put: { ...MASK_SECRET_KEY, attributes: { garbled: 'x' } } }]);
    const privacy = { trails: [{ trail: SOUND, pii: 'include' as const }] };
    const stores = { table, objects: new MemoryObjects(), signers: [new MemorySigner()] };
    const log = wireLog(stores, { logName: 'audit.example.com', privacy });
    await expect(log.policyOf(POISONED)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: expect.stringContaining('the mask secret (deployment mask-secret) is not readable'),
    });
    expect(await log.policyOf(SOUND)).toMatchObject({ pii: 'include' });
  });
});
