import * as z from 'zod';
import { attributesOf, isKnown, isUnreadable, withFormat } from '../../ledger/items/format.ts';
import { restKey } from '../../ledger/items/layout.ts';
import type { Item, Table } from '../../store/ports.ts';

/** The parts that {@link RestingTrails} work with. */
export interface RestingTrailsOptions {
  readonly table: Table;
  /** The list that they go with; see `due-list.ts`. */
  readonly name: 'follow';
  /** Under others there may be something to do again. */
  readonly settings: string;
  /** How many records a trail has. @throws the Table's errors */
  readonly sizeOf: (trail: string) => Promise<number>;
}

const stored = z.strictObject({ size: z.int().nonnegative(), settings: z.string() });

/** How a trail stands to its rest. */
export interface Rest {
  readonly isAtRest: boolean;
  /** Its records; undefined where its head cannot be read. */
  readonly size?: number;
}

/** The trails in which nothing is left to be done until they grow: a pass over all trails looks at two items of each. */
export class RestingTrails {
  readonly #options: RestingTrailsOptions;

  constructor(options: RestingTrailsOptions) {
    this.#options = options;
  }

  /** @throws the Table's errors; what cannot be read is not at rest, so that a visit says so */
  async read(trail: string): Promise<Rest> {
    const { table, name, settings, sizeOf } = this.#options;
    const [item, size] = await Promise.all([
      table.get(restKey(name, trail)),
      sizeOf(trail).catch(undefinedIfUnreadable),
    ]);
    if (size === undefined) return { isAtRest: false };
    const known = item && restIn(item);
    return { isAtRest: known?.size === size && known.settings === settings, size };
  }

  /** Notes that nothing is left to be done in a trail of so many records. @throws the Table's errors */
  async note(trail: string, size: number): Promise<void> {
    const { table, name, settings } = this.#options;
    await table.transact([
      { put: { ...restKey(name, trail), attributes: withFormat('resting trail', { size, settings }) } },
    ]);
  }
}

/** Undefined where it cannot be read: that costs a visit, which writes it anew. */
function restIn(item: Item): z.infer<typeof stored> | undefined {
  return isKnown('resting trail', item) ? stored.safeParse(attributesOf('resting trail', item)).data : undefined;
}

function undefinedIfUnreadable(error: unknown): undefined {
  if (isUnreadable(error)) return undefined;
  throw error;
}
