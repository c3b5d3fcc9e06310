import { checkpointName, newestCheckpointName, utcDate } from '../log/archive.ts';
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { SealtrailError } from '../log/error.ts';
import { sameBytes } from '../log/hash.ts';
import { parseNote } from '../log/note.ts';
import { isSystemTrailName, isTrailName } from '../log/trail-name.ts';
import type { Objects, Table } from '../store/ports.ts';
import type { Checkpoints } from './checkpoints.ts';
import { readHead } from './commit.ts';
import { TRAILS_PARTITION } from './items/layout.ts';
import { readRefusal } from './items/refusal.ts';

/** The dependencies of {@link History}. */
export interface HistoryOptions {
  readonly table: Table;
  /** The archive. Absent: this process cannot read it, and goes by what the follower `history` has stored. */
  readonly objects?: Objects;
  /** True if only this process appends to the log: then one trail that is behind stops them all. @default false */
  readonly isAlone?: boolean;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** The last state of a trail that this process saw. */
interface Verdict {
  /** Unix milliseconds. */
  readonly at: number;
  readonly conflict: Conflict | undefined;
}

/** How a trail contradicts its archive, or the checkpoints that were signed. */
interface Conflict {
  readonly message: string;
  /** True if the Table has less than there was: then it is an older one. */
  readonly isBehind: boolean;
}

/** How long a verdict stands that may change, in milliseconds: so long a process without the archive may append after a refusal. */
const STANDS_MS = 10_000;
const ADVICE = 'nothing is appended to it (docs/operations.md, "The database is older than the archive")';

/**
 * Keeps a log from signing two histories. A database that was restored from an older copy, or that lost its write-ahead log, looks
 * whole; only the archive says that more was signed. So each process holds each trail against the newest of its archive, once,
 * before it appends to the trail or signs it. A Table without any trail beside an archive that has one takes nothing at all.
 *
 * A trail that is behind shows that the Table is an older one. What was signed of its other trails in the time between, and had not
 * reached the archive, no one knows; so where this process alone appends, none of them takes anything from then on.
 */
export class History {
  readonly #table: Table;
  readonly #objects: Objects | undefined;
  readonly #isAlone: boolean;
  readonly #now: () => number;
  readonly #verdicts = new Map<string, Verdict>();
  /** Why the Table is an older one. It stays so: a newer one takes its place while no process has it open. */
  #older: string | undefined;

  constructor({ table, objects, isAlone = false, now = Date.now }: HistoryOptions) {
    this.#isAlone = isAlone;
    this.#table = table;
    this.#objects = objects;
    this.#now = now;
  }

  /**
   * Costs nothing once the trail was found right.
   *
   * @throws `history_conflict`: what the Table holds of the trail is not what was archived and signed. The errors of the stores.
   */
  async assertOne(trail: string, checkpoints: Checkpoints): Promise<void> {
    const known = this.#verdicts.get(trail);
    const isKnown = known !== undefined && this.#stands(known);
    const conflict = isKnown ? known.conflict : await this.#look(trail, checkpoints);
    if (!isKnown) this.#verdicts.set(trail, { at: this.#now(), conflict });
    if (this.#isAlone && conflict?.isBehind) this.#older ??= conflict.message;
    assertNone(conflict?.message ?? (this.#older && `the database is older than its archive: ${this.#older}`));
  }

  async #look(trail: string, checkpoints: Checkpoints): Promise<Conflict | undefined> {
    if (this.#objects !== undefined) return conflictBetween(this.#table, this.#objects, checkpoints, trail);
    const message = await readRefusal(this.#table, trail);
    return message === undefined ? undefined : { message, isBehind: false };
  }

  #stands({ at, conflict }: Verdict): boolean {
    if (this.#objects !== undefined && conflict === undefined) return true;
    return Math.abs(this.#now() - at) < STANDS_MS;
  }
}

function assertNone(conflict: string | undefined): void {
  if (conflict !== undefined) throw new SealtrailError('history_conflict', conflict, { retryAfter: 60 });
}

/** The archive's folders beside the trails, whose names a trail may have. */
const KEY_FILE = /^keys\/[0-9a-f]{8}\.(?:pem|vkey)$/;

/** The trails that an archive holds something of, whether or not the Table knows them. */
export async function* trailsIn(objects: Objects): AsyncGenerator<string, void, void> {
  for (let after = '', found = true; found; ) {
    found = false;
    for await (const { key } of objects.list('', { after })) {
      found = true;
      const [trail = ''] = key.split('/', 1);
      after = KEY_FILE.test(key) ? key : `${trail}0`; // `0` comes after the slash: what follows is of another trail
      if (after !== key && (isTrailName(trail) || isSystemTrailName(trail))) yield trail;
      break;
    }
  }
}

/** How a trail in the Table contradicts its archive or the checkpoints that were signed; undefined: it does not. */
async function conflictBetween(
  table: Table,
  objects: Objects,
  checkpoints: Checkpoints,
  trail: string,
): Promise<Conflict | undefined> {
  const { receivedAt, size } = await readHead(table, trail);
  const lost = size === 0 ? await lostTrail(table, objects) : undefined;
  if (lost !== undefined && lost !== trail) {
    const message = `the database has no trail, and its archive has ${lost}: trail ${trail} may have been signed before, and ${ADVICE}`;
    return { message, isBehind: true };
  }
  const archived = await archivedSizes(objects, trail, receivedAt);
  const signed = await checkpoints.covering(trail);
  // After the archive: all that is archived was in the Table before, so a trail that grows meanwhile is not taken for one that is behind.
  const head = await readHead(table, trail);
  const behind = (size: number, where: string): Conflict => {
    return { message: `trail ${trail} has ${head.size} records, and ${where} ${size}: ${ADVICE}`, isBehind: true };
  };
  for (const size of archived) if (size > head.size) return behind(size, 'its archive');
  if (signed !== undefined && signed.size > head.size) return behind(signed.size, 'a checkpoint was signed of');
  for (const size of archived) {
    const ours =
      size === head.size ? head : await checkpoints.at(trail, size).then((stored) => stored && read(stored.note));
    const theirs = read(await objects.get(checkpointName(trail, size)));
    if (theirs === undefined) continue; // not archived to its end yet
    if (ours === undefined || !sameBytes(ours.root, theirs.root)) {
      const message = `trail ${trail} is not the one that was archived at ${size} records: ${ADVICE}`;
      return { message, isBehind: false };
    }
  }
  return undefined;
}

/**
 * A trail of the archive, where the Table has none at all. Then it is new or was made anew, and what was signed of a trail that had not
 * reached the archive is not known.
 */
async function lostTrail(table: Table, objects: Objects): Promise<string | undefined> {
  for await (const _ of table.query({ partition: TRAILS_PARTITION, limit: 1 })) return undefined;
  for await (const trail of trailsIn(objects)) {
    for await (const _ of objects.list(`${trail}/checkpoints/`)) return trail;
  }
  return undefined;
}

/** The sizes that an archive reaches: the newest sealed checkpoint, and the end of what was archived after it, of any size. */
async function archivedSizes(objects: Objects, trail: string, headReceivedAt: number): Promise<readonly number[]> {
  const bytes = await objects.get(newestCheckpointName(trail));
  const sealed = read(bytes)?.size;
  const sizes: number[] = [];
  // Anything else at that name was not sealed by the log: the archiver says so and replaces it.
  if (sealed !== undefined && bytes !== undefined) {
    const archived = await objects.get(checkpointName(trail, sealed));
    if (archived !== undefined && sameBytes(archived, bytes)) sizes.push(sealed);
  }
  // Segments sort like the records in them, so what the Table has lost is on the day of its head or later.
  const records = `${trail}/records/`;
  let end = 0;
  for await (const { key } of objects.list(records, { after: `${records}dt=${utcDate(headReceivedAt)}/` })) {
    const last = /-(\d{16})\.jsonl\.gz$/.exec(key)?.[1];
    if (last !== undefined) end = Math.max(end, Number(last) + 1);
  }
  return end > (sealed ?? 0) ? [...sizes, end] : sizes;
}

/** A checkpoint as the archive or the Table holds it; undefined: it is none. */
function read(note: Uint8Array | string | undefined): Checkpoint | undefined {
  if (note === undefined) return undefined;
  try {
    return parseCheckpoint(parseNote(typeof note === 'string' ? note : Buffer.from(note).toString()).text);
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}
