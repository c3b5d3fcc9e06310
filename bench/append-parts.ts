import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PreparedEvent } from '../lib/event/intake.ts';
import { prepareHere } from '../lib/event/preparation.ts';
import { type AuditEvent, eventInputSchema } from '../lib/event/schema.ts';
import { canonicalJson } from '../lib/json/canonical.ts';
import { readStrictJson } from '../lib/json/strict.ts';
import { buildBlock } from '../lib/ledger/items/block.ts';
import { packBody, storeBlock } from '../lib/ledger/items/stored-block.ts';
import { receiptOf } from '../lib/ledger/receipt.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../lib/log/frontier.ts';
import { ZERO_HASH } from '../lib/log/hash.ts';
import { DEFAULT_POLICY } from '../lib/privacy/policy.ts';
import { scrubEvent } from '../lib/privacy/scrub.ts';
import { IntakePool } from '../lib/server/intake/intake-pool.ts';
import { KeyFileSigner } from '../lib/store/keyfile/signer.ts';
import { SqliteTable } from '../lib/store/sqlite/table.ts';
import { eventOf } from './append.ts';
import type { Figure } from './report.ts';

/**
 * What each part of an append costs, in microseconds of the processor's time in the thread that does it: the clock says little where
 * others work too. Of a request with 100 events, divided by 100.
 */

const EVENTS = 100;
const ROUNDS = 300;
const TRAIL = 'bench';

export async function benchAppendParts(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  const start = async () => ({ privacy: { default: { pii: 'include' as const } }, maskSecret: new Uint8Array(32) });
  const intake = new IntakePool({ threads: 1, start, onError: console.error });
  try {
    return [
      {
        what: `append, the parts of a request of ${EVENTS}`,
        goal: 'none set',
        measured: await parts(folder, table, intake),
      },
    ];
  } finally {
    await intake.close();
    await table.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function parts(folder: string, table: SqliteTable, intake: IntakePool): Promise<Record<string, number>> {
  const policy = { ...DEFAULT_POLICY, pii: 'include' as const };
  const sent = { events: Array.from({ length: EVENTS }, (_, n) => eventOf(1, n, EVENTS)) };
  const body = Buffer.from(JSON.stringify(sent));
  const limits = { depth: 32, unitBytes: 32_768, units: 1000, batchKey: 'events' };
  const asked = {
    trail: TRAIL,
    body,
    contentType: 'application/json',
    handling: 'strict',
    repeatable: undefined,
  } as const;
  const parsed = sent.events.map((event) => eventInputSchema.parse(event));
  const prepared: readonly PreparedEvent[] = prepareHere(asked, policy);
  const runs = [{ submitter: 'arn:aws:iam::123456789012:role/app', events: prepared.map(({ json }) => json) }];
  const signer = await KeyFileSigner.create(join(folder, 'key.pem'), 'ed25519');
  const block = buildBlock({ trail: TRAIL, first: 0, prev: ZERO_HASH, receivedAt: Date.now() }, runs);
  const growth = appendLeaves(EMPTY_FRONTIER, block.leaves);
  const packed = await packBody(runs);
  const stored = { size: EVENTS, note: `${'x'.repeat(300)}\n` };
  // The cast: a receipt reads no more of it than its size and its note.
  const checkpoint = { trail: TRAIL, ...stored } as unknown as Parameters<typeof receiptOf>[3];
  let first = 0;
  return {
    "SHA-256 of the body, for the signature's check": await cost(() => hash('sha256', body, 'hex')),
    'strict parsing': await cost(() => readStrictJson(body, limits)),
    'schema, as part of the next': await cost(() => sent.events.map((event) => eventInputSchema.parse(event))),
    'redaction and masking, as part of the next': await cost(() =>
      parsed.map((event) => scrubEvent(structuredClone(event), policy)),
    ),
    'canonical form, as part of the next': await cost(() => parsed.map((event) => canonicalJson(event as AuditEvent))),
    'preparation in all, in the committing thread': await cost(() => prepareHere(asked, policy)),
    'preparation in all, what is left of it with a thread': await costOfAsking(intake, asked, policy),
    'record lines, leaf hashes': await cost(() => buildBlock({ ...block, prev: ZERO_HASH }, runs)),
    'tree and root': await cost(() => appendLeaves(EMPTY_FRONTIER, block.leaves)),
    'compression (Zstandard), in the pool of threads': await cost(() => packBody(runs), process.cpuUsage),
    'SQLite, with fsync': await cost(() => {
      const at = { ...block, first };
      first += EVENTS;
      return table.transact(storeBlock(at, packed, { commit: String(first) }));
    }, process.cpuUsage),
    'Ed25519 signature, one a commit': await cost(() => signer.sign(Buffer.from(stored.note)), process.cpuUsage),
    'receipt, with its JSON': await cost(() =>
      JSON.stringify(receiptOf({ events: prepared }, { block, growth }, 0, checkpoint)),
    ),
  };
}

type Clock = (before?: NodeJS.CpuUsage) => NodeJS.CpuUsage;

/** Microseconds an event. By default of this thread alone. */
async function cost(work: () => unknown, clock: Clock = process.threadCpuUsage): Promise<number> {
  for (let round = 0; round < ROUNDS; round++) await work();
  const before = clock();
  for (let round = 0; round < ROUNDS; round++) await work();
  const { user, system } = clock(before);
  return Number(((user + system) / ROUNDS / EVENTS).toFixed(2));
}

async function costOfAsking(
  intake: IntakePool,
  asked: Parameters<IntakePool['prepare']>[0],
  policy: Parameters<IntakePool['prepare']>[1],
): Promise<number> {
  while (!(intake.prepare(asked, policy) instanceof Promise)) await new Promise((resolve) => setTimeout(resolve, 20));
  return cost(() => intake.prepare(asked, policy));
}
