import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { VerificationReport } from '../../../lib/contract/verification.ts';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { Verifier, type VerifierOptions } from '../../../lib/followers/verification/verifier.ts';
import type { Ledger, LedgerOptions } from '../../../lib/ledger/ledger.ts';
import { formatCheckpoint } from '../../../lib/log/checkpoint.ts';
import { formatNote, verifierFromSpki } from '../../../lib/log/note.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import type { Item, Key, Table } from '../../../lib/store/ports.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import type { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { events, LOG_NAME, openLedger, TRAIL } from '../../ledger/fixture.ts';
import { temporaryFolder } from '../../store/temporary.ts';

export interface World {
  readonly dir: string;
  readonly table: SqliteTable;
  readonly objects: FolderObjects;
  readonly ledger: Ledger;
  readonly archiver: Archiver;
  readonly verifier: Verifier;
  clock: number;
}

export async function world(options: Partial<VerifierOptions> = {}, log: Partial<LedgerOptions> = {}): Promise<World> {
  const dir = await temporaryFolder();
  const table = await SqliteTable.open(join(dir, 'db'));
  const objects = await FolderObjects.open(join(dir, 'archive'));
  onTestFinished(async () => {
    await objects.close();
    await table.close();
  });
  const made = { dir, table, objects, clock: 1_795_000_000_000 };
  const now = () => made.clock;
  const ledger = openLedger(table, { now, ...log });
  const archiver = new Archiver({ objects, table, ledger, now });
  const verifier = new Verifier({ table, objects, ledger, now, ...options });
  return Object.assign(made, { ledger, archiver, verifier });
}

let batch = 0;
export const append = ({ ledger }: World, count: number, trail = TRAIL) =>
  ledger.append({ trail, submitter: 'test', events: events(`v${batch++}`, count) });

/** 700 records in blocks of 100, all archived: two full tiles and a rest. */
export async function archived(options?: Partial<VerifierOptions>): Promise<World> {
  const made = await world(options);
  for (let block = 0; block < 7; block++) {
    made.clock += 1000;
    await append(made, 100);
  }
  await made.archiver.run(TRAIL, { force: true });
  return made;
}

export const kinds = ({ problems }: VerificationReport) => [...new Set(problems.map(({ kind }) => kind))];

export async function recorded({ ledger }: World): Promise<{ type: string; severity: string; details: object }[]> {
  const found: { type: string; severity: string; details: object }[] = [];
  for await (const { lines } of ledger.blocks('_system', { from: 0, to: 1_000_000 })) {
    for (const line of lines) {
      expect(line).toContain('"submitter":"sealtrail"');
      found.push(JSON.parse(line).event);
    }
  }
  return found;
}

/** Changes an item as someone does who has the database open. */
export async function edit(
  table: Table,
  key: Key,
  change: (item: Item) => Item['attributes'] | undefined,
): Promise<void> {
  const item = await table.get(key);
  if (item === undefined) throw new Error('nothing stands there to be damaged');
  const attributes = change(item);
  await table.transact([attributes === undefined ? { remove: key } : { put: { ...item, attributes } }]);
}

/** Changes an object as someone does who has the disk. */
export async function overwrite(
  { objects }: World,
  key: string,
  change: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new Error(`there is no ${key}`);
  await objects.replace(key, change(bytes));
}

export const flipped = (bytes: unknown, at = 0): Uint8Array => {
  if (!(bytes instanceof Uint8Array)) throw new Error('no bytes to flip');
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

export const block = (first: number): Key => ({ partition: `block/${TRAIL}`, sort: String(first).padStart(16, '0') });

/** A checkpoint as anyone who holds a key can make it, over a root of his choice. */
export async function forge(key: MemorySigner, size: number): Promise<string> {
  const origin = `${LOG_NAME}/${TRAIL}`;
  const text = formatCheckpoint({ origin, size, root: new Uint8Array(32).fill(7) });
  const { keyId } = verifierFromSpki(origin, await key.publicKey());
  return formatNote(text, [{ name: origin, keyId, signature: await key.sign(Buffer.from(text)) }]);
}
