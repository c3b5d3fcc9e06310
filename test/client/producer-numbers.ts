import { expect } from 'vitest';
import { Numbering } from '../../lib/log/numbering.ts';
import { producerLink, producerMarkOf } from '../../lib/log/producer.ts';
import type { SealedRecord } from '../../lib/log/record.ts';

/** What the numbers in records say of each producer, by its id. */
export function numberingsOf(records: readonly SealedRecord[]): Map<string, Numbering> {
  const found = new Map<string, Numbering>();
  for (const { seq: record, event } of records) {
    const mark = producerMarkOf(event);
    if (mark === undefined) throw new Error(`record ${record} is not numbered`);
    const numbering = found.get(mark.id) ?? new Numbering();
    found.set(mark.id, numbering);
    numbering.add({ ...mark, link: producerLink(String(event.id), mark), record });
  }
  return found;
}

/** Nothing that any producer numbered is missing, there twice, or left out. @returns how many events each has */
export function expectWhole(numberings: ReadonlyMap<string, Numbering>): number[] {
  const all = [...numberings.values()];
  for (const one of all) {
    expect([one.gaps(), one.conflicts(), one.state().repeated, one.declared()]).toEqual([[], [], 0, 0]);
  }
  return all.map((one) => one.state().received);
}
