import { identityOf } from '../../log/identity.ts';
import { Numbering, type NumberingState } from '../../log/numbering.ts';
import { producerLinkOf } from '../../log/producer.ts';
import type { Line } from '../records/check-line.ts';
import { quoted } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import type { ProducerCounts } from '../report/report.ts';

/** Producers of a trail that are followed at most: some 20 MB. Each start of a client is one. */
export const MAX_PRODUCERS = 50_000;

/** The findings on the numbers in a part of a trail; plain data. */
export interface ProducersSeen {
  /** By producer and what identifies its submitter, as {@link whoIs} reads them. */
  readonly numberings: ReadonlyMap<string, NumberingState>;
  /** Numbered events of producers that came when there were too many. */
  readonly unfollowed: number;
}

/** Follows the numbers that producers gave their events, in memory that does not grow with the records. */
export class Producers {
  readonly #numberings = new Map<string, Numbering>();
  #unfollowed = 0;
  /** Batches are of one producer: the newest one is mostly the next one too. */
  #newest: { readonly key: string; readonly numbering: Numbering } | undefined;

  /** Takes in the next record of the trail. What is no mark is not one: it will be missed. */
  add(line: Line, record: number): void {
    if (line.numbered === undefined) return;
    const { bytes, numbered } = line;
    // What is not ASCII is no mark and no id of a numbered event.
    const producerJson = bytes.toString('latin1', numbered.producerAt, numbered.producerEnd);
    const idJson = bytes.toString('latin1', numbered.idAt, numbered.idEnd);
    const [isMark, id = '', prev = '', digits = ''] = MARK.exec(producerJson) ?? [];
    const seq = Number(digits);
    if (isMark === undefined || !EVENT_ID.test(idJson) || !Number.isSafeInteger(seq)) return;
    const submitter = identityOf(bytes.toString('utf8', numbered.submitterAt, numbered.submitterEnd));
    const numbering = this.#of(`${id} ${submitter}`);
    numbering?.add({ seq, prev, link: producerLinkOf(idJson, producerJson), record });
  }

  /** Takes in what was seen in a later part of the trail. */
  join({ numberings, unfollowed }: ProducersSeen): void {
    this.#unfollowed += unfollowed;
    for (const [key, state] of numberings) {
      const numbering = this.#numberings.get(key);
      if (numbering !== undefined) numbering.join(state);
      else if (this.#numberings.size < MAX_PRODUCERS) this.#numberings.set(key, new Numbering(state));
      else this.#unfollowed += state.received;
    }
  }

  seen(): ProducersSeen {
    const numberings = new Map([...this.#numberings].map(([key, numbering]) => [key, numbering.state()] as const));
    return { numberings, unfollowed: this.#unfollowed };
  }

  /** The counts; undefined if no event is numbered. */
  counts(): ProducerCounts | undefined {
    if (this.#numberings.size === 0) return undefined;
    const total = { producers: this.#numberings.size, numbered: 0, missing: 0, declared: 0, repeated: 0 };
    for (const numbering of this.#numberings.values()) {
      const { received, repeated, lost } = numbering.state();
      total.numbered += received;
      total.declared += numbering.declared();
      total.repeated += repeated;
      total.missing += numbering.gaps().reduce((sum, { first, last }) => sum + last - first + 1, lost);
    }
    return { ...total, ...(this.#unfollowed === 0 ? {} : { unfollowed: this.#unfollowed }) };
  }

  /** The missing events and those with two histories, by producer. */
  *problems(trail: string): Generator<Problem, void, void> {
    for (const [key, numbering] of this.#numberings) {
      const who = whoIs(key);
      for (const { seq, record } of numbering.conflicts()) {
        const message = `${who} has two histories: its number ${seq} was given to different events`;
        yield { kind: 'producer_fork', trail, seq: record, message };
      }
      for (const { first, last, record } of numbering.gaps()) {
        const which = first === last ? `event ${first}` : `events ${first} to ${last}`;
        const message = `${who} numbered its ${which}, and this record, the next one, names what is not in the trail`;
        yield { kind: 'missing_events', trail, seq: record, message };
      }
      const { lost } = numbering.state();
      if (lost === 0) continue;
      yield {
        kind: 'missing_events',
        trail,
        message: `${who} has ${lost} more events missing, in too many places to name`,
      };
    }
  }

  #of(key: string): Numbering | undefined {
    if (this.#newest?.key === key) return this.#newest.numbering;
    let numbering = this.#numberings.get(key);
    if (numbering === undefined) {
      if (this.#numberings.size >= MAX_PRODUCERS) {
        this.#unfollowed += 1;
        return undefined;
      }
      numbering = new Numbering();
      this.#numberings.set(key, numbering);
    }
    this.#newest = { key, numbering };
    return numbering;
  }
}

/** The mark in canonical form; `producerLink` is over text without escapes, so nothing else has a link. */
const MARK = /^\{"id":"([A-Za-z0-9][A-Za-z0-9._-]{0,63})","prev":"([0-9a-f]{64})","seq":(\d{1,16})\}$/;
const EVENT_ID = /^"[A-Za-z0-9._:~@=+-]{1,128}"$/;

/** A producer's id has no space; the submitter's stable part stands as in the line, with its escapes. */
function whoIs(key: string): string {
  const at = key.indexOf(' ');
  return `the producer ${key.slice(0, at)} of ${quoted(key.slice(at + 1))}`;
}
