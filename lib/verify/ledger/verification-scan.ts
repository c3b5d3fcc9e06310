import { defined } from '../../base/defined.ts';
import type { VerificationProblem } from '../../contract/verification.ts';
import type { ExpiryRules } from '../../followers/expiry/expiry-rules.ts';
import { type ArchivedRecords, recordsInBundles } from '../../ledger/archived-records.ts';
import type { Block } from '../../ledger/items/block.ts';
import { isUnreadable } from '../../ledger/items/format.ts';
import { blockPartition, sortableNumber } from '../../ledger/items/layout.ts';
import { loadBlock } from '../../ledger/items/stored-block.ts';
import { bundleName } from '../../log/archive.ts';
import { SealtrailError } from '../../log/error.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import type { Item, Table } from '../../store/ports.ts';
import type { VerificationFindings } from './ledger-report.ts';

/** A block as it stands, or its fault. */
export type Scanned = { readonly block: Block } | { readonly problem: VerificationProblem };

/** Reads the blocks of a trail, whole or damaged, where they are: in the hot store, or in the archive when they have gone. */
export class BlockScan {
  readonly #table: Table;
  readonly #trail: string;
  readonly #archive: ArchivedRecords;
  readonly #expiry: ExpiryRules;
  readonly #findings: VerificationFindings;
  readonly #countedFrom: number;
  /** Records that had left the hot store, as they were to, and were read from the archive. */
  expired = 0;

  /** @param countedFrom records before this one do not count as `expired` */
  constructor(
    { table, archive, expiry }: { table: Table; archive: ArchivedRecords; expiry: ExpiryRules },
    trail: string,
    findings: VerificationFindings,
    countedFrom = 0,
  ) {
    this.#countedFrom = countedFrom;
    this.#table = table;
    this.#trail = trail;
    this.#archive = archive;
    this.#expiry = expiry;
    this.#findings = findings;
  }

  /**
   * The blocks that hold records `from` to `to - 1`, in order, damaged ones among them: unlike the ledger's reader it goes
   * on behind damage. What is missing and was not to go is a finding, and so is a time to expire at that the log did not
   * give; a gap that the archive does not fill is the caller's to see. One block at a time is in memory.
   *
   * @throws the stores' errors
   */
  async *blocks(from: number, to: number): AsyncGenerator<Scanned, void, void> {
    // Unknown behind a damaged block, which may have held any number of records.
    let edge = from;
    for await (const scanned of this.#hot(from, to)) {
      const seq = 'block' in scanned ? scanned.block.first : scanned.problem.seq;
      if (seq !== undefined && seq > edge) yield* this.#archived(edge, Math.min(seq, to));
      yield scanned;
      if ('block' in scanned) edge = Math.max(Number.isNaN(edge) ? 0 : edge, scanned.block.first + scanned.block.count);
      else if (seq !== undefined) edge = Number.NaN;
    }
    if (edge < to) yield* this.#archived(edge, to);
  }

  async *#hot(from: number, to: number): AsyncGenerator<Scanned, void, void> {
    if (from >= to) return;
    const partition = blockPartition(this.#trail);
    let start = sortableNumber(from);
    const holder = this.#table.query({ partition, to: start, order: 'descending', limit: 1 });
    for await (const item of holder) start = item.sort;
    for await (const item of this.#table.query({ partition, from: start, to: sortableNumber(to - 1) })) {
      const scanned = await this.#load(item);
      if (scanned === undefined) continue;
      // What stands before the range and does not reach into it is none of its blocks.
      if ('block' in scanned && scanned.block.first + scanned.block.count <= from) continue;
      if ('problem' in scanned && (scanned.problem.seq ?? from) < from && item.sort !== start) continue;
      yield scanned;
    }
  }

  /** Undefined for a block that is being removed as planned, and no longer whole. */
  async #load(item: Item): Promise<Scanned | undefined> {
    const number = Number(item.sort);
    const seq = Number.isSafeInteger(number) && sortableNumber(number) === item.sort ? number : undefined;
    const malformed = (message: string): Scanned => ({
      problem: { kind: 'malformed_block', ...defined({ seq }), message },
    });
    if (seq === undefined) return malformed('a block stands under a key that is no record number');
    const isPlanned = await this.#checkExpiry(item, seq);
    try {
      const block = await loadBlock(this.#table, this.#trail, item);
      return block.first === seq ? { block } : malformed(`the block at ${seq} says that it is at ${block.first}`);
    } catch (error) {
      if (error instanceof SealtrailError && !isUnreadable(error)) throw error;
      if (isPlanned && (await this.#expiry.mayBeGone(seq, Number(item.attributes.receivedAt)))) return undefined;
      // Anything else was made by hostile bytes: they are what is looked for.
      return malformed(error instanceof Error ? error.message : String(error));
    }
  }

  /** True if the block was stamped by the log. */
  async #checkExpiry({ expiresAt, attributes }: Item, seq: number): Promise<boolean> {
    if (expiresAt === undefined) return false;
    if (await this.#expiry.isExpiryOf(seq, Number(attributes.receivedAt), expiresAt)) return true;
    const message = `the block at ${seq} is to expire at ${expiresAt}, which the log has not set`;
    this.#findings.add({ kind: 'wrong_expiry', seq, message });
    return false;
  }

  /** Records that are not in the hot store, as far as the archive must have them. */
  async *#archived(from: number, to: number): AsyncGenerator<Scanned, void, void> {
    const end = Math.min(to, await this.#archivedEnd());
    let removedUpTo = Number.NaN;
    for (let next = from; next < end; ) {
      try {
        for await (const block of this.#archive.blocks(this.#trail, { from: next, to: end })) {
          next = block.first + block.count;
          if (await this.#expiry.mayBeGone(block.first, block.receivedAt))
            this.expired += Math.max(0, next - Math.max(block.first, this.#countedFrom));
          else {
            if (removedUpTo !== block.first) this.#reportRemoved(block.first);
            removedUpTo = next;
          }
          yield { block };
        }
      } catch (error) {
        if (!(error instanceof SealtrailError) || error.code !== 'archive_damaged') throw error;
        const object = bundleName(this.#trail, Math.floor(next / TILE_WIDTH), TILE_WIDTH);
        yield { problem: { kind: 'damaged_bundle', seq: next, object, message: error.message } };
        next = (Math.floor(next / TILE_WIDTH) + 1) * TILE_WIDTH;
      }
    }
  }

  #reportRemoved(seq: number): void {
    const message = `records from ${seq} on are missing from the ledger and were not to go: the archive has them`;
    this.#findings.add({ kind: 'missing_records', seq, message });
  }

  async #archivedEnd(): Promise<number> {
    try {
      return await recordsInBundles(this.#table, this.#trail);
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
      this.#findings.add({ kind: 'watermark_damaged', message: error.message });
      return 0;
    }
  }
}
