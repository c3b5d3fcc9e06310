import { type PartitionKind, splitPartition } from '../../ledger/items/layout.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Key } from '../../store/ports.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/** A change of one item of the table, as the store's own record of changes tells it. */
export interface ItemChange {
  /** Names the change; the same each time that it is reported. */
  readonly id: string;
  readonly change: 'insert' | 'modify' | 'remove';
  readonly key: Key;
  /** The attributes that differ, `expiresAt` among them; for `modify` alone. */
  readonly changed: readonly string[];
  /** The attribute `size` before and after, where there is one. */
  readonly size: { readonly before: number | undefined; readonly after: number | undefined };
  /** When the item was to expire, in Unix seconds, after the change, or before its removal. */
  readonly expiresAt: number | undefined;
  /** True if the store removed the item because its time had come. */
  readonly expired: boolean;
}

/** A change that the log cannot have made. */
export interface Finding {
  readonly id: string;
  readonly trail: string;
  readonly kind: 'head' | 'block' | 'checkpoint';
  readonly key: Key;
  /** For people. */
  readonly what: string;
  /** It is none where this holds: what a block that leaves the hot store looks like. */
  readonly unless?: ExpiryClaim;
}

/** That the log has let a block expire. */
export interface ExpiryClaim {
  readonly trail: string;
  /** The block's first record. */
  readonly first: number;
  /** Unix seconds. */
  readonly expiresAt: number | undefined;
}

/** The partitions under watch: nothing in them changes except as {@link findingOf} allows. */
const WATCHED: Partial<Record<PartitionKind, Finding['kind']>> = {
  head: 'head',
  block: 'block',
  blockPart: 'block',
  checkpoint: 'checkpoint',
};

/**
 * Judges a change of the ledger. Its heads grow; its blocks and checkpoints are written once. Blocks that the archive has are
 * stamped with a time to expire at, and removed by the store after it. Whatever else happens to them was done behind the log's back.
 *
 * Inserted items are not judged here: a block or a head that the log did not make is detected by the archiver,
 * which hashes what it reads.
 *
 * @returns undefined for a change that may be the log's own, or is of no concern
 */
export function findingOf(made: ItemChange): Finding | undefined {
  const { id, change, key, changed, size, expired, expiresAt } = made;
  const name = splitPartition(key.partition);
  if (name === undefined || change === 'insert') return undefined;
  const kind = WATCHED[name.kind];
  if (kind === undefined) return undefined;
  const { trail, rest } = name;
  const finding = (what: string): Finding => ({ id, trail, kind, key, what });
  const unless = { trail, first: Number(rest[0] ?? key.sort), expiresAt };
  if (change === 'remove') {
    const removed = finding(`${kind === 'head' ? 'the' : 'a'} ${kind} of trail ${trail} was removed`);
    return expired && kind === 'block' ? { ...removed, unless } : removed;
  }
  if (kind !== 'head') {
    const others = changed.filter((name) => name !== 'expiresAt');
    if (changed.length === 0) return undefined;
    if (others.length === 0) {
      const stamped = finding(`a ${kind} of trail ${trail} was made to expire`);
      return kind === 'block' ? { ...stamped, unless } : stamped;
    }
    return finding(`a ${kind} of trail ${trail} was changed: ${others.join(', ')}`);
  }
  const { before = 0, after = 0 } = size;
  if (after > before) return undefined;
  return finding(`the head of trail ${trail} was set from ${before} to ${after} records`);
}

/** The monitor's former name: existing records have it, and queries and alarms go by it, so it stays. */
const RECORDER = 'sealtrail:watchman';

/**
 * Records a finding as an alert in the trail `_system`, once however often the store tells of the change.
 *
 * @throws as {@link Ledger.append}
 */
export async function recordFinding(
  ledger: Pick<Ledger, 'append'>,
  { id, trail, kind, key, what }: Finding,
): Promise<void> {
  const event = {
    type: 'security.alert',
    severity: 'critical',
    actor: { id: RECORDER, type: 'system' },
    resource: { type: `ledger.${kind}`, id: `${key.partition}/${key.sort}` },
    description: what,
    details: { trail, change: id },
  };
  await recordInSystem(ledger, { by: RECORDER, event, once: { key: id } });
}
