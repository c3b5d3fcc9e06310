import type { Verifier } from '../../log/note.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { Leftover, Objects } from '../../store/ports.ts';
import { type TrustedKeys, trailOf } from '../evidence/trust.ts';
import { quoted } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import type { ExpectedTrail, Skipped, TrailEvidence } from '../report/report.ts';

/** The sources that name trails which an archive should hold. */
interface TrailWitnesses {
  readonly trust: TrustedKeys;
  /** Undefined: no checkpoint says it, and no key. */
  readonly logName: string | undefined;
  /** Keys that the archive holds. */
  readonly archived: readonly Verifier[];
  /** Trails that records of `_system` say have begun. */
  readonly begun: Iterable<string>;
  /** Trails of which `_heads` states a head. */
  readonly stated: Iterable<string>;
}

/**
 * The trails that an archive should hold, by name, each with what says so. A key that is good for every trail names none.
 *
 * @param isThere whether the archive holds anything of a trail
 */
export function expectedTrails(witnesses: TrailWitnesses, isThere: (trail: string) => boolean): ExpectedTrail[] {
  const evidence = new Map<string, Set<TrailEvidence>>();
  const expect = (trail: string | undefined, from: TrailEvidence): void => {
    if (trail !== undefined) evidence.set(trail, (evidence.get(trail) ?? new Set()).add(from));
  };
  const { trust, logName, archived, begun, stated } = witnesses;
  for (const { name, trail } of trust) expect(trail ?? trailNamed(name, logName), 'trusted_key');
  // A name that no trail can have is a malformed key, which is reported as such.
  for (const { name } of archived) {
    const trail = trailNamed(name, logName);
    if (trail !== undefined && isAnyTrailName(trail)) expect(trail, 'archived_key');
  }
  for (const trail of begun) expect(trail, 'system_record');
  for (const trail of stated) expect(trail, 'head_statement');
  return [...evidence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([trail, from]) => ({ trail, evidence: [...from], isThere: isThere(trail) }));
}

/** The trail of a key's name; undefined for keys of other logs and without a name. */
function trailNamed(name: string | undefined, logName: string | undefined): string | undefined {
  if (name === undefined || !name.includes('/')) return undefined;
  const trail = trailOf(name);
  return logName === undefined || name === `${logName}/${trail}` ? trail : undefined;
}

/** How the report names each kind of evidence. */
const EVIDENCE_WORDS: Readonly<Record<TrailEvidence, string>> = {
  trusted_key: 'a trusted key is for it',
  archived_key: 'a key in keys/ is named for it',
  system_record: '_system records that it began',
  head_statement: '_heads states a head of it',
};

export function missingTrail({ trail, evidence }: ExpectedTrail): Problem {
  const why = evidence.map((from) => EVIDENCE_WORDS[from]).join(', ');
  const message = `the archive holds nothing of this trail, but ${why}; a trail that began in the last minute may not be archived yet`;
  return { kind: 'missing_trail', trail, object: `${trail}/`, message };
}

const isAnyTrailName = (name: string): boolean => isTrailName(name) || isSystemTrailName(name);

/** True if something of a trail is in the archive by now, though it was not when the archive was listed. */
export async function hasArrived(objects: Objects, trail: string): Promise<boolean> {
  // A trusted key may be named for anything, and not every text can be asked for.
  if (!isAnyTrailName(trail)) return false;
  for await (const _ of objects.list(`${trail}/`)) return true;
  return false;
}

/** Names of one sort that a report lists; more are counted. */
const MAX_NAMED = 20;

/** Files in the archive that are no objects, so that no check covers them, by sort. */
export async function listLeftovers(objects: Objects): Promise<Skipped[]> {
  const names = new Map<Leftover['what'], string[]>();
  for await (const { name, what } of objects.leftovers?.() ?? []) {
    names.set(what, [...(names.get(what) ?? []), name]);
  }
  return [...names].map(([what, all]) => {
    const named = all.slice(0, MAX_NAMED).map(quoted).join(', ');
    const more = all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : '';
    return { why: `what is no object of an archive: ${what} ${named}${more}` };
  });
}
