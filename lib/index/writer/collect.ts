import { type Dimension, eachDimension } from '../../contract/dimensions.ts';
import type { Block } from '../../ledger/items/block.ts';
import { type OpenedRecord, openRecord } from '../../log/record.ts';
import type { Spans } from '../format/spans.ts';
import type { TermKey } from '../format/term.ts';
import type { RunExtras } from './run-writer.ts';
import { TermColumns } from './term-columns.ts';
import { type KeyPart, TermList } from './term-list.ts';

/** Collects the terms of a run's records. */
export class RunContent {
  /** Records collected. */
  size = 0;
  readonly #first: number;
  readonly #list: TermList;
  readonly #columns: TermColumns;
  readonly #blocks: number[] = [];
  readonly #isCounting: boolean;

  /**
   * @param first the run's first record
   * @param part the keys to collect, so that a long run can be gone through in less memory; counts come with the first. @default all
   */
  constructor(first: number, part: KeyPart = { index: 0, of: 1 }) {
    this.#first = first;
    this.#isCounting = part.index === 0;
    this.#list = new TermList(part);
    this.#columns = new TermColumns(this.#list, this.#isCounting);
  }

  /** Adds the records of a block that was checked. Blocks come in order. */
  add({ first, receivedAt, lines }: Pick<Block, 'first' | 'receivedAt' | 'lines'>): void {
    this.addBlock({ first, receivedAt }, lines.map(openRecord));
  }

  /** Adds the records of a block, opened. */
  addBlock({ first, receivedAt }: Pick<Block, 'first' | 'receivedAt'>, records: Iterable<OpenedRecord>): void {
    this.#blocks.push(first);
    for (const record of records) this.addRecord(receivedAt, record);
  }

  /** Adds the next record. */
  addRecord(receivedAt: number, record: OpenedRecord): void {
    if (this.#isCounting) this.#columns.counts.addRecord(receivedAt);
    eachDimension(record, this.#file);
    this.size += 1;
  }

  /** The terms with their records, in ascending order of keys, each once. */
  terms(): Generator<readonly [TermKey, Spans], void, void> {
    return this.#list.inOrder(this.#first);
  }

  /** The rest of the run's file. */
  extras(): RunExtras {
    return { counts: this.#columns.counts.encode(), blocks: this.#blocks };
  }

  readonly #file = (dimension: Dimension, value: string): void => this.#columns.add(this.size, dimension, value);
}
