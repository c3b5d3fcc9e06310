import { SYSTEM_TRAIL } from '../contract/system-trails.ts';
import { LEGAL_HOLD_RELEASED, LEGAL_HOLD_SET } from '../followers/legal-hold/legal-hold-requests.ts';
import { readLegalHold, takeLegalHoldStep } from '../followers/legal-hold/legal-hold-state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import { parseRecord } from '../log/record.ts';
import type { Objects, Table } from '../store/ports.ts';

/** The stores that legal holds are recalled from and into. */
export interface HoldSources {
  readonly table: Table;
  readonly objects: Objects;
  /** `_system` is complete in it. */
  readonly ledger: Pick<Ledger, 'blocks' | 'head'>;
}

/** A legal hold that the Table had forgotten, or the release of one. */
export interface RecalledHold {
  readonly trail: string;
  readonly held: boolean;
  /** `order`: as the newest order in `_system` says. `objects`: no order is known, but objects are held. */
  readonly from: 'order' | 'objects';
}

interface Order {
  readonly isHeld: boolean;
  /** When it was recorded, Unix milliseconds. */
  readonly since: number;
  readonly by: string;
  readonly reason: string;
}

const UNKNOWN_ORDER = 'objects are under legal hold, and the order is not in the archive';

/**
 * Puts into the Table which trails are under legal hold, where it knows less than `_system` and the archive. Trails whose objects are held
 * count as held unless a newer order says otherwise: to forget a hold is worse than to keep one, which can be released.
 *
 * The follower of legal holds then carries each to all objects. Can be repeated.
 *
 * @param trails those that the Table or the archive has
 * @throws the errors of the stores
 */
export async function recallHolds(sources: HoldSources, trails: readonly string[]): Promise<readonly RecalledHold[]> {
  const { table, objects } = sources;
  const orders = await ordersIn(sources.ledger);
  const recalled: RecalledHold[] = [];
  for (const trail of new Set([...trails, ...orders.keys()])) {
    const state = await readLegalHold(table, trail);
    const order = orders.get(trail);
    const isNewer = order !== undefined && order.since > state.since;
    const from = isNewer ? 'order' : 'objects';
    const found = isNewer ? order : !state.isHeld && state.since === 0 ? await heldBy(objects, trail) : undefined;
    if (found === undefined || found.isHeld === state.isHeld) continue;
    if ((await takeLegalHoldStep(table, state, { ...found, pass: 0, cursor: '', objects: 0 })) === undefined) {
      throw new SealtrailError('in_use', `something else changes the legal hold of trail ${trail}`);
    }
    recalled.push({ trail, held: found.isHeld, from });
  }
  return recalled;
}

/** The newest order for each trail. */
async function ordersIn(ledger: HoldSources['ledger']): Promise<ReadonlyMap<string, Order>> {
  const orders = new Map<string, Order>();
  const to = (await ledger.head(SYSTEM_TRAIL))?.size ?? 0;
  for await (const { lines } of ledger.blocks(SYSTEM_TRAIL, { from: 0, to })) {
    for (const line of lines) {
      if (!line.includes(LEGAL_HOLD_SET) && !line.includes(LEGAL_HOLD_RELEASED)) continue;
      const { event, receivedAt } = parseRecord(line);
      const [resource, actor] = [event.resource, event.actor] as readonly ({ readonly id?: unknown } | undefined)[];
      if (event.type !== LEGAL_HOLD_SET && event.type !== LEGAL_HOLD_RELEASED) continue;
      orders.set(String(resource?.id), {
        isHeld: event.type === LEGAL_HOLD_SET,
        since: receivedAt,
        by: String(actor?.id ?? ''),
        reason: String(event.description ?? ''),
      });
    }
  }
  return orders;
}

async function heldBy(objects: Objects, trail: string): Promise<Order | undefined> {
  for await (const { key, version, isDeleteMarker } of objects.versions(`${trail}/`)) {
    if (isDeleteMarker || !(await objects.isHeld(key, version))) continue;
    return { isHeld: true, since: Date.now(), by: 'sealtrail', reason: UNKNOWN_ORDER };
  }
  return undefined;
}
