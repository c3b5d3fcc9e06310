import { randomUUID } from 'node:crypto';
import { FIRST_LINK, producerLink } from '../../log/producer.ts';

/**
 * The numbers of one run of one producer: every event that is handed on gets the next one and names the one before
 * (docs/spec.md, "Numbering by producers"). Nothing of it is kept: the next run has another id.
 */
export class ProducerNumbers {
  readonly id: string = randomUUID();
  #next = 0;
  #prev = FIRST_LINK;

  /** Leaves out so many numbers: the next event names the last one that was handed on, so it is seen to be on purpose. */
  skip(count: number): void {
    this.#next += count;
  }

  /** The event with its number in it. @param json of an object that is not empty */
  number(eventId: string, json: string): string {
    const mark = { id: this.id, prev: this.#prev, seq: this.#next };
    this.#prev = producerLink(eventId, mark);
    this.#next += 1;
    return `${json.slice(0, -1)},"producer":${JSON.stringify(mark)}}`;
  }
}
