import { headStatement } from '../../contract/head-statement.ts';
import {
  HEAD_STATED,
  HEADS_TRAIL,
  LOG_SUBMITTER,
  SYSTEM_TRAIL,
  WITNESS_CONFLICT,
} from '../../contract/system-trails.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Hash, sameBytes } from '../../log/hash.ts';
import { isCount, isObject } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { Line } from '../records/check-line.ts';

/** A head that a record of `_heads` states; plain data. */
export interface StatedHead {
  readonly trail: string;
  readonly size: number;
  readonly root: Hash;
  /** The record's number in `_heads`. */
  readonly seq: number;
}

/** A statement about a trail. */
export interface StatedHeads {
  /** The largest. */
  readonly newest: StatedHead;
  /** The largest that a cosigned checkpoint of `_heads` covers. */
  readonly witnessed?: StatedHead;
}

/** A record of `_system` that a witness contradicted the log; plain data. */
export interface ConflictRecord {
  readonly seq: number;
  readonly kind: string;
  /** The witness by its key. */
  readonly vkey: string;
  readonly description: string;
  /** The checkpoint that the witness cosigned, as it showed it. */
  readonly evidence?: string;
}

/** The statements of records on heads and witnesses; plain data. */
export interface HeadsSeen {
  readonly stated: readonly StatedHeads[];
  readonly conflicts: readonly ConflictRecord[];
  /** Numbers of records of `_heads` that state another root than an earlier one, for the same size. */
  readonly forked: readonly { readonly seq: number; readonly before: number; readonly trail: string }[];
}

/** The statements of a whole trail's records on heads and witnesses. */
export interface JoinedHeads extends Omit<HeadsSeen, 'stated'> {
  /** By trail. */
  readonly stated: ReadonlyMap<string, StatedHeads>;
}

/** Cheap to look for. */
const MARKS: Readonly<Record<string, Buffer>> = {
  [HEADS_TRAIL]: Buffer.from(`"type":"${HEAD_STATED}"`),
  [SYSTEM_TRAIL]: Buffer.from(`"type":"${WITNESS_CONFLICT}"`),
};
/** More of a kind are not kept. */
const MOST = 100;

/** Collects what the records of `_heads` and `_system` say of heads and witnesses; those of other trails say nothing. */
export class HeadRecords {
  readonly #trail: string;
  readonly #mark: Buffer | undefined;
  readonly #witnessed: number;
  readonly #stated = new Map<string, StatedHeads>();
  readonly #conflicts: ConflictRecord[] = [];
  readonly #forked: HeadsSeen['forked'][number][] = [];

  /** @param witnessed records of `_heads` that a cosigned checkpoint covers */
  constructor(trail: string, witnessed: number) {
    this.#trail = trail;
    this.#mark = MARKS[trail];
    this.#witnessed = witnessed;
  }

  /** @param line a record that could be read */
  add(line: Line): void {
    if (this.#mark === undefined) return;
    const { leaf } = line;
    if (!leaf.includes(this.#mark)) return;
    if (this.#trail === HEADS_TRAIL) this.#state(leaf.subarray(1));
    else this.#conflict(leaf.subarray(1));
  }

  seen(): HeadsSeen {
    return { stated: [...this.#stated.values()], conflicts: this.#conflicts, forked: this.#forked };
  }

  #state(line: Uint8Array): void {
    const head = readStatement(line);
    if (head === undefined) return;
    const known = this.#stated.get(head.trail);
    const { joined, fork } = joinStated(known, {
      newest: head,
      ...(head.seq < this.#witnessed && { witnessed: head }),
    });
    if (fork !== undefined && this.#forked.length < MOST) this.#forked.push(fork);
    this.#stated.set(head.trail, joined);
  }

  #conflict(line: Uint8Array): void {
    if (this.#conflicts.length >= MOST) return;
    const { event, submitter, seq } = parseRecord(line);
    const { type, details, description } = event;
    if (submitter !== 'sealtrail:witnesses' || type !== WITNESS_CONFLICT || !isObject(details)) return;
    const { kind, size, vkey, evidence } = details;
    if (typeof kind !== 'string' || typeof vkey !== 'string' || !isCount(size)) return;
    const lines = Array.isArray(evidence) && evidence.every((one) => typeof one === 'string') ? evidence : undefined;
    this.#conflicts.push({
      ...{ seq, kind, vkey, description: typeof description === 'string' ? description : '' },
      ...(lines !== undefined && { evidence: lines.join('\n') }),
    });
  }
}

function readStatement(line: Uint8Array): StatedHead | undefined {
  if (parseRecord(line).submitter !== LOG_SUBMITTER) return undefined;
  try {
    const head = headStatement(line);
    return head !== undefined && (isTrailName(head.trail) || isSystemTrailName(head.trail)) ? head : undefined;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined; // it states nothing that could be compared
    throw error;
  }
}

/** The larger of what is stated of a trail in two places, and whether they contradict each other. */
export function joinStated(
  known: StatedHeads | undefined,
  other: StatedHeads,
): { readonly joined: StatedHeads; readonly fork?: HeadsSeen['forked'][number] } {
  if (known === undefined) return { joined: other };
  const newest = larger(known.newest, other.newest);
  const witnessed =
    known.witnessed && other.witnessed
      ? larger(known.witnessed, other.witnessed)
      : (known.witnessed ?? other.witnessed);
  const isFork = known.newest.size === other.newest.size && !sameBytes(known.newest.root, other.newest.root);
  const { trail, seq } = other.newest;
  return {
    joined: { newest, ...(witnessed !== undefined && { witnessed }) },
    ...(isFork && { fork: { seq, before: known.newest.seq, trail } }),
  };
}

const larger = (a: StatedHead, b: StatedHead): StatedHead => (b.size >= a.size ? b : a);
