import type { LegalHoldServices } from '../lib/api/routes/legal-hold.ts';
import type { Log } from '../lib/app/log.ts';
import { LegalHoldOrders } from '../lib/followers/legal-hold/legal-hold-requests.ts';
import { DueList } from '../lib/followers/runtime/due-list.ts';
import type { Table } from '../lib/store/ports.ts';

/** Trails with work for the function `follow`: what a commit woke it for and it left for later, and what comes without a commit. */
export const followList = (table: Table): DueList => new DueList({ table, name: 'follow' });

/** Trails with records that no scheduled verification has looked at yet, for the function `verify`. */
export const verifyList = (table: Table): DueList => new DueList({ table, name: 'verify' });

/** Legal holds as the function `seal` sets them. No commit to the trail wakes the followers, so each is put on their list. */
export function listedHolds(log: Pick<Log, 'table' | 'ledger'>): LegalHoldServices['legalHolds'] {
  const orders = new LegalHoldOrders(log);
  return {
    status: (trail) => orders.status(trail),
    async set(trail, request) {
      const status = await orders.set(trail, request);
      // When this fails, so does the request, and its repetition comes here again.
      await followList(log.table).note(trail);
      return status;
    },
  };
}
