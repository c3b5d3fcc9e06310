import { hash, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { Limiter } from '../base/limiter.ts';
import { attributesOf, withFormat } from '../ledger/items/format.ts';
import { retiredKeyChunkKey, retiredKeyKey } from '../ledger/items/layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import type { Item, Signer, Table } from '../store/ports.ts';
import type { RetiredKey } from './retired-key.ts';

type Ends = RetiredKey['ends'];

const endsSchema = z.record(z.string(), z.int().nonnegative());
const inChunks = z.object({ set: z.uuid(), chunks: z.int().positive() });

/** Trails in one item: of the longest names they come to some 90 KB. */
const CHUNK_TRAILS = 1000;
/** Reads and writes at the same time. */
const AT_ONCE = 32;

/**
 * The keys that sign no more, each with where it ended in every trail. That is written down once, by the first process
 * that knows of the retirement: in each trail at the newest checkpoint there is. A trail that begins later has
 * nothing that the key signed.
 *
 * @param keys that can sign nothing any more. One that already says where it ended stays as it is
 * @throws the Table's errors; `signer_unavailable`; `store_corrupt` when what was written down is not readable
 */
export function retiredKeys(
  table: Table,
  ledger: Pick<Ledger, 'trails' | 'checkpoint'>,
  keys: readonly (RetiredKey | Pick<Signer, 'publicKey'>)[],
): Promise<RetiredKey[]> {
  return Promise.all(
    keys.map(async (key) => {
      if ('ends' in key) return key;
      const spki = await key.publicKey();
      const fingerprint = hash('sha256', spki, 'hex');
      const known = await table.get(retiredKeyKey(fingerprint));
      const ends =
        known === undefined
          ? await writeEnds(table, fingerprint, await currentEnds(ledger))
          : await readEnds(table, fingerprint, known);
      return { spki, ends };
    }),
  );
}

/** The size of the newest checkpoint of every trail that has one. */
async function currentEnds(ledger: Pick<Ledger, 'trails' | 'checkpoint'>): Promise<Ends> {
  const limiter = new Limiter(AT_ONCE);
  const sizes = (await Array.fromAsync(ledger.trails())).map((trail) =>
    limiter.run(async () => [trail, (await ledger.checkpoint(trail))?.size ?? 0] as const),
  );
  return Object.fromEntries((await Promise.all(sizes)).filter(([, size]) => size > 0));
}

/**
 * Writes down where a key ended, unless another process was faster: then what that one wrote holds. Many trails do not fit into one
 * item, so chunks are written before the item that names them.
 */
async function writeEnds(table: Table, fingerprint: string, ends: Ends): Promise<Ends> {
  const entries = Object.entries(ends);
  const place = retiredKeyKey(fingerprint);
  const attributes =
    entries.length <= CHUNK_TRAILS ? { ends: JSON.stringify(ends) } : await writeChunks(table, fingerprint, entries);
  const put = { ...place, attributes: withFormat('retired key', attributes) };
  const outcome = await table.transact([{ put, when: { is: 'absent' } }]);
  if (outcome.committed) return ends;
  return readEnds(table, fingerprint, outcome.failed[0]?.item ?? (await table.get(place)));
}

async function writeChunks(
  table: Table,
  fingerprint: string,
  entries: readonly (readonly [trail: string, size: number])[],
): Promise<z.infer<typeof inChunks>> {
  const set = randomUUID();
  const chunks = Math.ceil(entries.length / CHUNK_TRAILS);
  const limiter = new Limiter(AT_ONCE);
  const puts = Array.from({ length: chunks }, (_, chunk) => {
    const ends = Object.fromEntries(entries.slice(chunk * CHUNK_TRAILS, (chunk + 1) * CHUNK_TRAILS));
    const attributes = withFormat('retired key', { ends: JSON.stringify(ends) });
    const put = { ...retiredKeyChunkKey(fingerprint, set, chunk), attributes };
    return limiter.run(() => table.transact([{ put }]));
  });
  await Promise.all(puts);
  return { set, chunks };
}

async function readEnds(table: Table, fingerprint: string, item: Item | undefined): Promise<Ends> {
  const attributes = item === undefined ? {} : attributesOf('retired key', item);
  if ('ends' in attributes) return parseEnds(attributes.ends);
  const parsed = inChunks.safeParse(attributes);
  if (!parsed.success) throw unreadable(parsed.error);
  const { set, chunks } = parsed.data;
  const limiter = new Limiter(AT_ONCE);
  const read = Array.from({ length: chunks }, (_, chunk) =>
    limiter.run(async () => {
      const found = await table.get(retiredKeyChunkKey(fingerprint, set, chunk));
      return parseEnds(found && attributesOf('retired key', found).ends);
    }),
  );
  return Object.assign({}, ...(await Promise.all(read)));
}

function parseEnds(ends: unknown): Ends {
  try {
    return endsSchema.parse(JSON.parse(String(ends)));
  } catch (cause) {
    throw unreadable(cause);
  }
}

const unreadable = (cause: unknown): SealtrailError =>
  new SealtrailError('store_corrupt', 'the stored ends of a retired key are not readable', { cause });
