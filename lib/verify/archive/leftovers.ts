import type { Leftover, Objects } from '../../store/ports.ts';
import { quoted } from '../report/findings.ts';
import type { Skipped } from '../report/report.ts';

/** Names of one sort that a report lists; more are counted. */
const MOST_NAMED = 20;

/** What stands in the archive and is no object, so that no check is about it: named by sort. */
export async function leftoversOf(objects: Objects): Promise<Skipped[]> {
  const names = new Map<Leftover['what'], string[]>();
  for await (const { name, what } of objects.leftovers?.() ?? []) {
    names.set(what, [...(names.get(what) ?? []), name]);
  }
  return [...names].map(([what, all]) => {
    const named = all.slice(0, MOST_NAMED).map(quoted).join(', ');
    const more = all.length > MOST_NAMED ? ` and ${all.length - MOST_NAMED} more` : '';
    return { why: `what is no object of an archive: ${what} ${named}${more}` };
  });
}
