import { SealtrailError } from '../../log/error.ts';
import type { Findings } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import type { Coverage, Report, Since } from '../report/report.ts';

/** A report that was kept from an earlier verification of the same archive. */
export interface EarlierReport {
  /** How this report calls it: the file's name. */
  readonly name: string;
  readonly report: Pick<Report, 'startedAt' | 'verdict' | 'problems' | 'trails'>;
}

/**
 * Reads a report as `sealtrail verify --json` prints it.
 *
 * @throws `usage` where the text is no such report
 */
export function parseEarlierReport(name: string, text: string): EarlierReport {
  const report = jsonOf(text);
  const isReport =
    typeof report === 'object' && report !== null && Reflect.get(report, 'format') === 'sealtrail-verification/1';
  if (!isReport) throw new SealtrailError('usage', `${name} is no report of "sealtrail verify --json"`);
  return { name, report: report as Report }; // written by this program: its format says so
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reports what an earlier report proved and is not there any more: shorter trails, other roots at the same size. */
export function reportLost({ name, report }: EarlierReport, trails: readonly Coverage[], findings: Findings): void {
  for (const { trail, newest } of report.trails) {
    if (newest === undefined) continue;
    const now = trails.find((one) => one.trail === trail)?.newest;
    const about = { trail, object: name, seq: Math.min(now?.size ?? 0, newest.size) };
    if (now === undefined || now.size < newest.size) {
      const message = `the earlier report proved ${newest.size} records, and this one proves ${now?.size ?? 0}`;
      findings.add({ kind: 'rolled_back', ...about, message });
    } else if (now.size === newest.size && now.root !== newest.root) {
      const message = `the root at ${now.size} records is another than in the earlier report`;
      findings.add({ kind: 'history_rewritten', ...about, message });
    }
  }
}

/** The changes since an earlier report. */
export function sinceOf({ report }: EarlierReport, trails: readonly Coverage[], problems: readonly Problem[]): Since {
  const [before, now] = [report.problems, problems].map((list) => new Map(list.map((one) => [keyOf(one), one])));
  const names = [...new Set([...report.trails, ...trails].map(({ trail }) => trail))].sort();
  const sizeIn = (list: readonly Coverage[], trail: string) => list.find((one) => one.trail === trail)?.newest?.size;
  return {
    startedAt: report.startedAt,
    verdict: report.verdict,
    added: problems.filter((problem) => before?.has(keyOf(problem)) !== true),
    gone: report.problems.filter((problem) => now?.has(keyOf(problem)) !== true).length,
    trails: names.map((trail) => {
      const [from, to] = [sizeIn(report.trails, trail), sizeIn(trails, trail)];
      return { trail, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    }),
  };
}

const keyOf = ({ kind, trail, object, seq, lastSeq }: Problem): string =>
  JSON.stringify([kind, trail, object, seq, lastSeq]);
