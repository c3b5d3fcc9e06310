import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../lib/contract/receipt.ts';
import { Archiver } from '../../lib/followers/archive/archiver.ts';
import { Indexer } from '../../lib/followers/indexing/indexer.ts';
import { Verifier } from '../../lib/followers/verification/verifier.ts';
import { Ledger } from '../../lib/ledger/ledger.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { pemOf } from '../../lib/log/note.ts';
import { Queries } from '../../lib/query/queries.ts';
import { dynamoClient, kmsClient, s3Client } from '../../lib/store/aws-clients.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../../lib/store/kms/signer.ts';
import type { Outcome, SignatureAlgorithm, Write } from '../../lib/store/ports.ts';
import { S3Files } from '../../lib/store/s3/files.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { cli } from '../cli/in-process.ts';
import { EVERYTHING } from './emulated.ts';
import { createBucket, createKey, createTable } from './resources.ts';

/**
 * The whole log on its AWS drivers, over the wire: several writers that race each other for one trail, as Lambdas do, then
 * archive, index, questions and verification. Each on another Table and with another algorithm.
 */

const LOG_NAME = 'audit.example.com';
const TRAIL = 'orders';
const WRITERS = 4;
const APPENDS = 8;
const BATCH = 25;
const RECORDS = WRITERS * APPENDS * BATCH;

/** Counts the transactions that another writer made fail. */
class RacingTable extends DynamoTable {
  lost = 0;

  override async transact(writes: readonly Write[]): Promise<Outcome> {
    const outcome = await super.transact(writes);
    if (!outcome.committed) this.lost += 1;
    return outcome;
  }
}

const eventsOf = (writer: number, append: number) =>
  Array.from({ length: BATCH }, (_, n) => {
    const id = `e-${writer}-${append}-${n}`;
    // Canonical JSON, as it comes from intake.
    return { id, json: `{"actor":{"id":"writer-${writer}"},"id":"${id}","severity":"info","type":"data.update"}` };
  });

/** Appends as the client does: what a busy trail refuses is sent again under the same key, at the time that the refusal names. */
async function asOftenAsAsked(append: () => Promise<Receipt>): Promise<Receipt> {
  for (let tries = 1; ; tries++) {
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'rate_limited' || tries === 10) throw error;
      await setTimeout((error.retryAfter ?? 1) * 1000);
    }
  }
}

const STORES = [
  ['DynamoDB Local', 'ed25519', {}],
  ['what answers for everything', 'ecdsa-p256', EVERYTHING],
] as const satisfies readonly (readonly [string, SignatureAlgorithm, object])[];

describe.each(STORES)('a log whose Table is %s and whose key is for %s', (_, algorithm, config) => {
  const tableName = `log-${randomUUID()}`;
  const bucket = `log-${randomUUID()}`;
  const address = `s3://${bucket}/archive`;
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-aws-'));
  const keyFile = join(folder, 'log.pem');
  let keyId: string;
  const tables: RacingTable[] = [];
  const ledgers: Ledger[] = [];
  let objects: S3Objects;
  let files: S3Files;
  let receipts: Receipt[];

  /** A process of its own, as far as the others can tell: its own connections, its own memory of the head. */
  const openLedger = () => {
    const table = new RacingTable({ client: dynamoClient(config), tableName });
    const signer = new KmsSigner({ client: kmsClient(), keyId, algorithm });
    const ledger = new Ledger({ table, signers: [signer], logName: LOG_NAME });
    tables.push(table);
    ledgers.push(ledger);
    return { table, ledger };
  };
  const appendAll = async (writer: number): Promise<Receipt[]> => {
    const { ledger } = openLedger();
    const made: Receipt[] = [];
    for (let append = 0; append < APPENDS; append++) {
      const idempotency = { key: `${writer}-${append}`, bodyHash: `${append}` };
      const events = eventsOf(writer, append);
      const submission = { trail: TRAIL, submitter: `role-${writer}`, events, idempotency };
      made.push(await asOftenAsAsked(() => ledger.append(submission)));
    }
    return made;
  };

  beforeAll(async () => {
    [keyId] = await Promise.all([
      createKey(algorithm),
      createTable(tableName, config),
      createBucket(bucket),
      createBucket(`${bucket}-index`),
    ]);
    files = new S3Files({ client: s3Client(), bucket: `${bucket}-index` });
    objects = new S3Objects({ client: s3Client(), bucket, prefix: 'archive', lock: 'governance' });
    receipts = (await Promise.all(Array.from({ length: WRITERS }, (_, writer) => appendAll(writer)))).flat();
    const { table, ledger } = openLedger();
    const [verifier] = await ledger.verifiers(TRAIL);
    if (verifier === undefined) throw new Error('a ledger with a signer has a verifier');
    writeFileSync(keyFile, pemOf(verifier));
    await new Archiver({ objects, table, ledger, lockFor: () => ({ ms: 3_600_000 }) }).seal(TRAIL);
    await new Indexer({ table, files }).run(TRAIL, { force: true });
  });
  afterAll(async () => {
    for (const ledger of ledgers) await ledger.close();
    for (const table of tables) await table.close();
    await objects.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gave every append its place, next to each other, though writers lost races to others', () => {
    const spans = receipts.map(({ first, count }) => [first, count]).sort(([a = 0], [b = 0]) => a - b);
    expect(spans).toEqual(Array.from({ length: WRITERS * APPENDS }, (_, n) => [n * BATCH, BATCH]));
    expect(tables.reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThan(0);
  });

  it('signed what it acknowledged, and finds it again under its idempotency key', async () => {
    const { ledger } = openLedger();
    const verifiers = await ledger.verifiers(TRAIL);
    for (const { first, count, sealed, checkpoint = '' } of receipts) {
      expect(sealed).toBe(true);
      const { size } = openCheckpoint(checkpoint, `${LOG_NAME}/${TRAIL}`, verifiers);
      expect(size).toBeGreaterThanOrEqual(first + count);
    }
    const again = { key: '0-0', bodyHash: '0' };
    const replay = await ledger.append({
      ...{ trail: TRAIL, submitter: 'role-0', events: eventsOf(0, 0), idempotency: again },
    });
    expect(replay).toMatchObject({ replayed: true, first: receipts[0]?.first, count: BATCH });
    expect((await ledger.head(TRAIL))?.size).toBe(RECORDS);
  });

  it('answers questions from the index', async () => {
    const { table } = openLedger();
    const queries = new Queries({ table, files, secret: new Uint8Array(32) });
    const filters = { actor: ['writer-2'] };
    const page = await queries.page(TRAIL, { filters, order: 'oldest', limit: 1000 });
    expect(page.matches).toHaveLength(APPENDS * BATCH);
    expect(page.matches.every(({ line }) => line.includes('"id":"writer-2"'))).toBe(true);
    expect(await queries.summary(TRAIL)).toMatchObject({ total: RECORDS });
  });

  it('put every object of the archive under lock', async () => {
    const client = s3Client();
    const versions = await Array.fromAsync(objects.versions(''));
    expect(versions.length).toBeGreaterThan(10);
    for (const { key, version } of versions) {
      const command = new HeadObjectCommand({ Bucket: bucket, Key: `archive/${key}`, VersionId: version });
      const { ObjectLockMode, ObjectLockRetainUntilDate } = await client.send(command);
      expect([key, ObjectLockMode]).toEqual([key, 'GOVERNANCE']);
      expect(ObjectLockRetainUntilDate?.getTime()).toBeGreaterThan(Date.now());
    }
    client.destroy();
  });

  it('is verified from the bucket, by the library and by the command line', async () => {
    const { ledger } = openLedger();
    const pem = (await ledger.verifiers(TRAIL)).map(pemOf).join('\n');
    const report = await verifyArchive(objects, { trust: parseTrustedKeys(pem) });
    expect(report).toMatchObject({ verdict: 'ok', problems: [] });
    const { code, stdout, stderr } = await cli(['verify', address, '--key', keyFile, '--log-name', LOG_NAME]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`OK  ${RECORDS} records in 1 trail of ${address}: intact`);
  });

  it('verifies a range of itself, and all of itself, against the archive', async () => {
    const { table, ledger } = openLedger();
    const verifier = new Verifier({ table, objects, ledger });
    const range = { from: 300, to: 301 };
    const part = await verifier.verify(TRAIL, range);
    expect(part).toMatchObject({ verdict: 'ok', mode: 'range', range, from: 256, archivedFrom: 256, problems: [] });
    expect(part.to).toBeLessThan(RECORDS);
    expect(await verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 0, to: RECORDS, archivedTo: RECORDS });
    expect(await verifier.status(TRAIL)).toMatchObject({ runs: 2, failures: 0, rangeReport: part });
  });

  it('is not called intact once something hides or covers a locked object, and the records are still read', async () => {
    const client = s3Client();
    const hidden = `archive/${TRAIL}/tile/entries/000`;
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: hidden }));
    await objects.replace(`${TRAIL}/tile/entries/001`, new Uint8Array(Buffer.from('something else')));
    client.destroy();
    const { code, stdout } = await cli(['verify', address, '--key', keyFile, '--json']);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    const told = report.problems.map(({ kind, object }: { kind: string; object: string }) => [kind, object]);
    expect(told).toEqual([
      ['delete_marker', `${TRAIL}/tile/entries/000`],
      ['extra_version', `${TRAIL}/tile/entries/001`],
    ]);
    expect(report.trails[0]).toMatchObject({ covered: { from: 0, to: RECORDS } });
  });
});
