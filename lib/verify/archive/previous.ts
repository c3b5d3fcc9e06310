import { defined } from '../../base/defined.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import type { Inventory } from '../evidence/inventory.ts';
import { judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import { keysOfTrail, type TrustedKeys } from '../evidence/trust.ts';
import { quoted, shownKey } from '../report/findings.ts';
import type { Problem, ProblemKind } from '../report/problem.ts';
import type { Coverage, PreviousResult } from '../report/report.ts';
import type { Claim } from '../shards/shard-job.ts';

/** A checkpoint that the auditor kept from earlier. */
export interface KeptCheckpoint {
  /** How the report calls it: the file's name. */
  readonly name: string;
  /** The signed note. */
  readonly note: Uint8Array;
}

/** A kept checkpoint and what can be said of it before the archive has been read. */
export interface Previous {
  readonly name: string;
  readonly origin?: string;
  readonly trail?: string;
  readonly size?: number;
  /** The root that the trail must give; absent if the checkpoint is no evidence. */
  readonly claim?: Claim;
  readonly problems: readonly Problem[];
}

/**
 * Judges the kept checkpoints by themselves: a note that no trusted key signed proves nothing, and says so.
 *
 * @throws `usage` when one is of a trail that was not asked for
 */
export function judgePrevious(
  kept: readonly KeptCheckpoint[],
  trust: TrustedKeys,
  logName: string | undefined,
  inventory: Inventory,
  trails: readonly string[] | undefined,
): Previous[] {
  return kept.map(({ name, note }) => {
    const object = shownKey(name);
    const origin = originOf(note);
    const trail = trailOf(origin, logName);
    if (trail !== undefined && trails !== undefined && !trails.includes(trail)) {
      throw new SealtrailError('usage', `${object} is of the trail ${trail}, which was not asked for`);
    }
    const problem = (kind: ProblemKind, message: string): Problem => ({
      kind,
      ...defined({ trail }),
      object,
      message,
    });
    const about = {
      name: object,
      ...defined({ origin, trail }),
    };
    if (origin !== undefined && trail === undefined && logName !== undefined) {
      const message = `the checkpoint is of ${quoted(origin)}, which is no trail of ${quoted(logName)}`;
      return { ...about, problems: [problem('wrong_origin', message)] };
    }
    const trusted = keysOfTrail(trust, origin ?? '', trail ?? '');
    const {
      checkpoint,
      trusted: isTrusted,
      flaws,
    } = judgeCheckpoint(note, { origin: origin ?? '', trusted, known: [] });
    const problems = flaws.map(({ kind, message }) => problem(kind, message));
    if (checkpoint === undefined || trail === undefined) return { ...about, problems };
    const { size, root } = checkpoint;
    if (!inventory.trails.has(trail)) {
      problems.push(problem('rolled_back', `the trail ${trail} had ${size} records, and is not in the archive`));
    }
    const claim: Claim = { size, root, object, source: 'previous', trusted: isTrusted };
    return flaws.length > 0 ? { ...about, size, problems } : { ...about, size, claim, problems };
  });
}

function originOf(note: Uint8Array): string | undefined {
  try {
    return parseCheckpoint(parseNote(fromUtf8(note, 'malformed_note', 'the note')).text).origin;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}

/** Without a log name, which is so when the archive is empty, the trail is what comes last in the origin. */
function trailOf(origin: string | undefined, logName: string | undefined): string | undefined {
  if (origin === undefined) return undefined;
  if (logName === undefined) return origin.slice(origin.lastIndexOf('/') + 1);
  return origin.startsWith(`${logName}/`) ? origin.slice(logName.length + 1) : undefined;
}

/** The result of a kept checkpoint. */
export function previousResult(
  { name, origin, size, trail, problems }: Previous,
  coverage: Coverage | undefined,
  contradicted: boolean,
): PreviousResult {
  const about = { name, ...defined({ origin, size }) };
  if (contradicted || problems.some(({ kind }) => kind === 'rolled_back')) return { ...about, verdict: 'damaged' };
  // What is no evidence, such as a note by a key that is not trusted, contradicts nothing: it is a problem all the same.
  if (problems.length > 0) return { ...about, verdict: 'incomplete' };
  const isCovered = trail !== undefined && size !== undefined && coverage !== undefined && coverage.covered.to >= size;
  return { ...about, verdict: isCovered ? 'ok' : 'incomplete' };
}
