import type { ArchivedRecords } from '../../ledger/archived-records.ts';
import { readArchived } from '../../ledger/blocks.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';
import type { ExpiryClaim } from '../tampering/tamper-monitor.ts';
import { ExpiryRules } from './expiry-rules.ts';

/** Error codes of the archive or the ledger that mean that a claim does not hold. */
const CONTRADICTIONS: ReadonlySet<string> = new Set(['archive_damaged', 'store_corrupt']);

/** Judges what is said about blocks that leave the hot store. */
export class ExpiryClaims {
  readonly #table: Table;
  readonly #archive: ArchivedRecords;
  readonly #rules = new Map<string, ExpiryRules>();

  constructor(table: Table, archive: ArchivedRecords) {
    this.#table = table;
    this.#archive = archive;
  }

  /**
   * True if a time to expire at is the one that the log has set for a block, and the archive has the block.
   *
   * @throws the stores' errors, after which to ask again
   */
  async holds({ trail, first, expiresAt }: ExpiryClaim): Promise<boolean> {
    if (expiresAt === undefined) return false;
    try {
      const blocks = await readArchived(this.#table, trail, [first], this.#archive);
      const block = blocks.find((one) => one.first <= first && first < one.first + one.count);
      return block !== undefined && (await this.#rulesOf(trail).isExpiryOf(first, block.receivedAt, expiresAt));
    } catch (error) {
      if (error instanceof SealtrailError && CONTRADICTIONS.has(error.code)) return false;
      throw error;
    }
  }

  #rulesOf(trail: string): ExpiryRules {
    const known = this.#rules.get(trail) ?? new ExpiryRules(this.#table, trail, Date.now);
    this.#rules.set(trail, known);
    return known;
  }
}
