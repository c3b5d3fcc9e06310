import { ACTION_ENDS, ACTION_REQUESTED } from '../../contract/vocabulary.ts';
import { isObject } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';
import type { Line } from '../records/check-line.ts';
import { quoted } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';

/** Actions that are followed at most, those asked for and those that ended unasked: some 20 MB. */
export const MAX_ACTIONS = 50_000;

/** How the type of a record of an action begins, in JSON. */
const TYPE = Buffer.from('"action.');
/** Cheap to look for where the type's place is not known: a record of an action has it, and few others do. */
const MARK = Buffer.from('"type":"action.');
const ENDS: ReadonlySet<unknown> = new Set(ACTION_ENDS);

/** The findings on the actions in a part of a trail; plain data. */
export interface ActionsSeen {
  /** Ids of actions that were asked for, with the number of their first record, and have no outcome there. */
  readonly open: ReadonlyMap<string, number>;
  /** Ids of actions with an outcome that were not asked for there. */
  readonly ended: ReadonlySet<string>;
  /** True if there were too many to follow. */
  readonly isLost: boolean;
}

/** Follows requests of agents and their outcomes, by `context.action`, in memory that does not grow with the records. */
export class OpenActions {
  readonly #open = new Map<string, number>();
  readonly #ended = new Set<string>();
  #isLost = false;

  /** Takes in the next record of the trail. */
  add(line: Line, record: number): void {
    if (this.#isLost || !mayBeAction(line)) return;
    const { type, context } = parseRecord(line.leaf.subarray(1)).event;
    const id = isObject(context) ? context.action : undefined;
    if (typeof id !== 'string') return;
    if (type === ACTION_REQUESTED) this.#begin(id, record);
    else if (ENDS.has(type)) this.#end(id);
  }

  /** Takes in what was seen in a later part of the trail. */
  join({ open, ended, isLost }: ActionsSeen): void {
    this.#isLost ||= isLost;
    for (const id of ended) this.#end(id);
    for (const [id, record] of open) this.#begin(id, record);
  }

  seen(): ActionsSeen {
    return { open: this.#open, ended: this.#ended, isLost: this.#isLost };
  }

  /** True if there were too many to say which are open. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The requests without an outcome, in the order of their records. */
  *problems(trail: string): Generator<Problem, void, void> {
    for (const [id, seq] of this.#open) {
      const message = `the action ${quoted(id)} was asked for, and the trail does not say what became of it`;
      yield { kind: 'action_without_outcome', trail, seq, message };
    }
  }

  /** An outcome may be logged before its request: by another process, for one. */
  #begin(id: string, record: number): void {
    if (this.#ended.delete(id) || this.#open.has(id)) return;
    if (this.#open.size >= MAX_ACTIONS) this.#isLost = true;
    else this.#open.set(id, record);
  }

  #end(id: string): void {
    if (this.#open.delete(id)) return;
    if (this.#ended.size >= MAX_ACTIONS) this.#isLost = true;
    else this.#ended.add(id);
  }
}

function mayBeAction(line: Line): boolean {
  const { bytes, typeAt } = line;
  if (typeAt < 0) return line.leaf.includes(MARK);
  for (let i = 0; i < TYPE.length; i++) if (bytes[typeAt + i] !== TYPE[i]) return false;
  return true;
}
