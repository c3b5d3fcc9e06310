import type { Receipt } from '../contract/receipt.ts';

/** A receipt with the record lines. */
export interface LedgerReceipt extends Receipt {
  readonly lines: readonly string[];
}
