import * as z from 'zod';
import { attributesOf, isFormat, isKnown, withFormat } from '../../ledger/items/format.ts';
import { producerDueKey, producerKey, producersDueBy } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import { type NumberConflict, type NumberGap, Numbering, type NumberingState } from '../../log/numbering.ts';
import type { Item, Table, Write } from '../../store/ports.ts';

/** A run of a producer: its id, and what identifies the submitter of its events. */
export interface Producer {
  readonly trail: string;
  readonly id: string;
  /** Its stable part: see {@link identityOf}. */
  readonly submitter: string;
}

/** The findings recorded about a producer, so that each is recorded once. */
export interface Recorded {
  /** Gaps, first and last number, that were not all filled since. */
  readonly gaps: readonly (readonly [number, number])[];
  /** Numbers with two events. */
  readonly conflicts: readonly number[];
}

/** The follower's state of a producer. */
export interface ProducerState {
  readonly producer: Producer;
  readonly numbering: Numbering;
  readonly recorded: Recorded;
  /** Unix milliseconds at which there is something to record; 0: nothing. */
  readonly dueAt: number;
  /** How often it was stored; 0: never. */
  readonly revision: number;
}

/** The findings to record. */
export interface Findings {
  readonly gaps: readonly NumberGap[];
  readonly filled: readonly (readonly [number, number])[];
  readonly conflicts: readonly NumberConflict[];
}

const count = z.int().nonnegative();
const pair = z.tuple([count, count]);
const storedSchema = z.strictObject({
  numbering: z.string(),
  recorded: z.string(),
  dueAt: count,
  revision: count.min(1),
});
const recordedSchema: z.ZodType<Recorded> = z.strictObject({ gaps: z.array(pair), conflicts: z.array(count) });
const numberingSchema: z.ZodType<NumberingState> = z.strictObject({
  runs: z.array(
    z.strictObject({ first: count, prev: z.string(), next: count, link: z.string(), declared: count, record: count }),
  ),
  received: count,
  repeated: count,
  lost: count,
  conflicts: z.array(z.strictObject({ seq: count, record: count })),
});

/** A producer that was silent for so long is forgotten: each start of a client is one, and they would be kept for ever. */
const REMEMBERED_SECONDS = 90 * 86_400;

/**
 * The stored state of a producer; nothing yet where it is new.
 *
 * @throws `store_corrupt`
 */
export async function readProducer(table: Table, producer: Producer): Promise<ProducerState> {
  const item = await table.get(producerKey(producer.trail, producer.id, producer.submitter));
  if (item !== undefined) return stateOf(producer, item);
  return { producer, numbering: new Numbering(), recorded: { gaps: [], conflicts: [] }, dueAt: 0, revision: 0 };
}

function stateOf(producer: Producer, item: Item): ProducerState {
  try {
    const { numbering, recorded, ...rest } = storedSchema.parse(attributesOf('producer', item));
    return {
      ...{ producer, ...rest },
      numbering: new Numbering(numberingSchema.parse(JSON.parse(numbering))),
      recorded: recordedSchema.parse(JSON.parse(recorded)),
    };
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    const message = `the state of producer ${producer.id} in trail ${producer.trail} is not readable`;
    throw new SealtrailError('store_corrupt', message, { cause });
  }
}

/** The writes that store a state, and see to it that it is come back to when it is due. @param now Unix milliseconds */
export function storeProducer(state: ProducerState, now: number): Write[] {
  const { producer, numbering, recorded, dueAt, revision } = state;
  const { trail, id, submitter } = producer;
  const attributes = withFormat('producer', {
    numbering: JSON.stringify(numbering.state()),
    recorded: JSON.stringify(recorded),
    dueAt,
    revision: revision + 1,
  });
  const expiresAt = Math.floor(now / 1000) + REMEMBERED_SECONDS;
  return [
    {
      put: { ...producerKey(trail, id, submitter), attributes, expiresAt },
      when: revision === 0 ? { is: 'absent' } : { is: 'equal', attribute: 'revision', value: revision },
    },
    ...(dueAt === 0
      ? []
      : [
          {
            put: {
              ...producerDueKey(trail, dueAt, id, submitter),
              attributes: withFormat('due producer', { id, submitter, dueAt }),
            },
          },
        ]),
  ];
}

/** A producer of which there is something to record, and from when on, in Unix milliseconds. */
export interface Due {
  readonly producer: Producer;
  readonly dueAt: number;
}

/** Those that are due by a time, soonest first. @param most of them */
export async function dueProducers(table: Table, trail: string, by: number, most: number): Promise<Due[]> {
  const due: Due[] = [];
  for await (const item of table.query({ ...producersDueBy(trail, by), limit: most })) {
    // By its key alone, so that a damaged item is removed with the others; but a newer version may mean something else by it.
    if (!isKnown('due producer', item) && isFormat(item.attributes.format)) attributesOf('due producer', item);
    const [, , time = '', id = '', ...submitter] = item.sort.split('/');
    due.push({ producer: { trail, id, submitter: submitter.join('/') }, dueAt: Number(time) });
  }
  return due;
}

/** The findings to record about a producer. */
export function findingsOf({ numbering, recorded }: ProducerState): Findings {
  const gaps = numbering.gaps();
  const isOpen = ([first, last]: readonly [number, number]): boolean =>
    gaps.some((gap) => gap.first <= last && gap.last >= first);
  // Once gaps were given up, one that is not seen any more may as well have been one of those.
  const filled = numbering.state().lost > 0 ? [] : recorded.gaps.filter((gap) => !isOpen(gap));
  const isRecorded = (gap: NumberGap): boolean =>
    recorded.gaps.some(([first, last]) => first <= gap.first && gap.last <= last);
  return {
    gaps: gaps.filter((gap) => !isRecorded(gap)),
    filled,
    conflicts: numbering.conflicts().filter(({ seq }) => !recorded.conflicts.includes(seq)),
  };
}

export const isNothing = ({ gaps, filled, conflicts }: Findings): boolean =>
  gaps.length + filled.length + conflicts.length === 0;

/** The recorded findings once these are. */
export function recordedWith({ recorded, numbering }: ProducerState, findings: Findings): Recorded {
  const open = numbering.gaps();
  const gaps = [...recorded.gaps, ...findings.gaps.map(({ first, last }) => [first, last] as const)];
  return {
    gaps: gaps.filter(([first, last]) => open.some((gap) => gap.first <= last && gap.last >= first)),
    conflicts: [...recorded.conflicts, ...findings.conflicts.map(({ seq }) => seq)].slice(-MAX_CONFLICTS),
  };
}

/** More cannot be distinguished: see {@link Numbering}. */
const MAX_CONFLICTS = 64;
