import { hash } from 'node:crypto';
import * as z from 'zod';
import { attributesOf, withFormat } from '../ledger/items/format.ts';
import { retiredKeyKey } from '../ledger/items/layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import type { Item, Signer, Table } from '../store/ports.ts';
import type { RetiredKey } from './retired-key.ts';

const endsSchema = z.record(z.string(), z.int().nonnegative());

/**
 * The keys that sign no more, each with where it ended in every trail. That is written down once, by whoever is the first
 * to know that the key has been retired: in each trail at the newest checkpoint there is. A trail that begins later has
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
      const place = retiredKeyKey(hash('sha256', spki, 'hex'));
      const known = await table.get(place);
      if (known !== undefined) return { spki, ends: endsOf(known) };
      const ends: Record<string, number> = {};
      for await (const trail of ledger.trails()) {
        const { size = 0 } = (await ledger.checkpoint(trail)) ?? {};
        if (size > 0) ends[trail] = size;
      }
      const put = { ...place, attributes: withFormat('retired key', { ends: JSON.stringify(ends) }) };
      const outcome = await table.transact([{ put, when: { is: 'absent' } }]);
      if (outcome.committed) return { spki, ends };
      // Somebody else was the first: what they wrote down holds.
      const theirs = outcome.failed[0]?.item ?? (await table.get(place));
      return { spki, ends: endsOf(theirs) };
    }),
  );
}

function endsOf(item: Item | undefined): Readonly<Record<string, number>> {
  const { ends } = item === undefined ? {} : attributesOf('retired key', item);
  try {
    return endsSchema.parse(JSON.parse(String(ends)));
  } catch (cause) {
    throw new SealtrailError('store_corrupt', 'where a retired key ended is not readable', { cause });
  }
}
