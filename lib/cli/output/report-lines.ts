import { groupBy } from '../../base/group-by.ts';
import { witnessedText } from '../../log/policy.ts';
import { isNote, totals } from '../../verify/report/problem.ts';
import { groupProblems } from '../../verify/report/problem-groups.ts';
import type { Coverage, KeyUse, Problem, Report, TrailEvidence, Verdict } from '../../verify/report/report.ts';
import { utc } from './records.ts';
import { type Column, columnWidths, GAP, renderTable, wrap } from './table.ts';
import { bytes, count, type Format, type Output, painter, plural, widthOf } from './terminal.ts';

const VERDICT_FORMAT: Readonly<Record<Verdict, Format>> = {
  ok: ['green', 'bold'],
  incomplete: ['yellow', 'bold'],
  damaged: ['red', 'bold'],
};

/** A verification's report for people: the verdict, what was looked at, what was not, and every problem listed. */
export function reportLines(report: Report, out: Output, width = widthOf(out)): string[] {
  const paint = painter(out);
  const heading = (text: string): string => paint('bold', text);
  return [
    ...wrap(`${report.verdict.toUpperCase()}  ${sentenceOn(report)}`, width).map((line, i) =>
      i === 0 ? line.replace(/^[A-Z]+/, (word) => paint(VERDICT_FORMAT[report.verdict], word)) : line,
    ),
    '',
    ...coverageTable(report.trails.map(coverageRow), width, heading),
    ...expectedLines(report, width, heading),
    ...producerLines(report, heading),
    ...keyLines(report, heading),
    ...previousLines(report, heading),
    ...witnessLines(report, width, heading),
    ...timestampLines(report, width, heading),
    ...mlDsaLines(report, width, heading),
    ...sinceLines(report, heading),
    ...problemLines(report.problems, report.problemCounts, width, heading),
    ...(report.skipped.length === 0 ? [] : ['', heading('not looked at')]),
    ...report.skipped.flatMap(({ trail, records, why }) => {
      const which = records === undefined ? '' : ` records ${count(records.from)} to ${count(records.to - 1)}`;
      return wrap(`${trail ?? ''}${which}${trail === undefined ? '' : ': '}${why}`, width);
    }),
  ];
}

function sentenceOn({ verdict, trails, source, problemCounts, skipped }: Report): string {
  const records = trails.reduce((sum, trail) => sum + trail.records, 0);
  const looked = `${plural(records, 'record')} in ${plural(trails.length, 'trail')} of ${source}`;
  const { problems: found, notes } = totals(problemCounts);
  if (verdict === 'ok') {
    const asFar = `${skipped.length === 0 ? '' : ', as far as looked at'}${notes === 0 ? '' : ` (${plural(notes, 'note')})`}`;
    return `${looked}: intact and under trusted signatures${asFar}`;
  }
  if (verdict === 'damaged') return `${looked}: ${plural(found, 'problem')} found`;
  return `${looked}: nothing contradicts itself, but not everything is proven (${plural(found, 'problem')})`;
}

const COVERAGE: readonly Column[] = [
  { title: 'trail' },
  { title: 'verdict', rigid: true },
  { title: 'records', align: 'right', rigid: true },
  { title: 'proven', rigid: true },
  { title: 'read', align: 'right', rigid: true },
  { title: 'checkpoints', align: 'right', rigid: true },
  { title: 'from (UTC)', rigid: true },
  { title: 'to (UTC)', rigid: true },
];

/** Where there is no room for them, the times of the first and last record are left out. */
function coverageTable(rows: readonly string[][], width: number, heading: (text: string) => string): string[] {
  const [least, ...others] = columnWidths(COVERAGE, rows, 0).map((columns) => columns + GAP.length);
  const needed = others.reduce((sum, columns) => sum + columns, least ?? 0) - GAP.length;
  return renderTable(needed > width ? COVERAGE.slice(0, -2) : COVERAGE, rows, width, heading);
}

function coverageRow({
  trail,
  verdict,
  records,
  covered,
  proven: sure,
  bytes: size,
  checkpointsChecked,
  firstAt,
  lastAt,
}: Coverage): string[] {
  const but = covered.to - covered.from - sure;
  const span = covered.to > covered.from ? `${count(covered.from)} to ${count(covered.to - 1)}` : 'none';
  const proven = but > 0 ? `${span}, but for ${count(but)}` : span;
  const times = [firstAt, lastAt].map((at) => (at === undefined ? '' : utc(at)));
  return [trail, verdict, count(records), proven, bytes(size), count(checkpointsChecked), ...times];
}

const NAMED_BY: Readonly<Record<TrailEvidence, string>> = {
  trusted_key: 'trusted keys',
  archived_key: 'keys/',
  system_record: '_system',
  head_statement: '_heads',
};

/** The trails that there should be, by what names them. Those that are missing are problems, and listed there. */
function expectedLines({ expectedTrails = [] }: Report, width: number, heading: (text: string) => string): string[] {
  if (expectedTrails.length === 0) return [];
  const lines = Object.entries(NAMED_BY).flatMap(([evidence, name]) => {
    const named = expectedTrails.filter((one) => one.evidence.some((from) => from === evidence));
    return named.length === 0 ? [] : wrap(`${name}: ${named.map(({ trail }) => trail).join(', ')}`, width);
  });
  return ['', heading('trails expected, by what names them'), ...lines];
}

function producerLines({ trails }: Report, heading: (text: string) => string): string[] {
  const lines = trails.flatMap(({ trail, producers: seen }) => {
    if (seen === undefined) return [];
    const { producers, numbered, missing, declared, repeated } = seen;
    const parts = [
      `${plural(producers, 'producer')} numbered ${plural(numbered, 'event')}`,
      missing === 0 ? 'none is missing' : `${count(missing)} more are missing`,
      ...(declared === 0 ? [] : [`${count(declared)} were left out and declared`]),
      ...(repeated === 0 ? [] : [`${count(repeated)} are there twice`]),
    ];
    return [`${trail}: ${parts.join(', ')}`];
  });
  return lines.length === 0 ? [] : ['', heading('events by their producers’ numbers'), ...lines];
}

/** One key signs under a name for each trail; people compare its fingerprint, which therefore is never cut. */
function keyLines({ keys }: Report, heading: (text: string) => string): string[] {
  const byFingerprint = groupBy(keys, (key) => key.fingerprint);
  const lines = [...byFingerprint].flatMap(([fingerprint, uses]) => {
    const signed = uses.reduce((sum, use) => sum + use.signed, 0);
    const trust = uses.some((use) => use.trusted) ? 'trusted' : 'not trusted';
    return [
      `${uses[0]?.algorithm}, ${trust}, signed ${plural(signed, 'checkpoint')}; SHA-256 fingerprint:`,
      `  ${fingerprint}`,
      ...uses.flatMap(boundsOf),
    ];
  });
  return lines.length === 0 ? [] : ['', heading('keys'), ...lines];
}

/** For which checkpoint sizes a key is trusted, where that is not all. */
function boundsOf({ name, from, to }: KeyUse): string[] {
  if (from === undefined && to === undefined) return [];
  const bounds = [from === undefined ? '' : `from ${count(from)}`, to === undefined ? '' : `to ${count(to)}`];
  return [`  of ${name}, sizes ${bounds.filter((bound) => bound !== '').join(' ')}`];
}

function previousLines({ previous }: Report, heading: (text: string) => string): string[] {
  const words: Readonly<Record<Verdict, string>> = {
    ok: 'the archive extends it',
    incomplete: 'could not be compared',
    damaged: 'the archive contradicts it',
  };
  const lines = previous.map(
    ({ name, verdict, size }) =>
      `${name}${size === undefined ? '' : ` (${plural(size, 'record')})`}: ${words[verdict]}`,
  );
  return lines.length === 0 ? [] : ['', heading('kept checkpoints'), ...lines];
}

function witnessLines({ witnesses, trails }: Report, width: number, heading: (text: string) => string): string[] {
  if (witnesses === undefined) return [];
  const { size, by } = witnesses;
  const who = by.length === 0 ? 'nobody' : witnessedText(by);
  const lines = [
    `${size === undefined ? 'no heads' : `the heads up to ${plural(size, 'record')}`}: cosigned by ${who}`,
  ];
  const each = trails.map(
    ({ trail, witnessed = 0, covered }) => `${trail} ${count(witnessed)} of ${count(covered.to)}`,
  );
  return [
    '',
    heading('witnesses'),
    ...wrap(lines.join(''), width),
    ...wrap(`records under them: ${each.join(', ')}`, width),
  ];
}

function timestampLines({ trails }: Report, width: number, heading: (text: string) => string): string[] {
  const lines = trails.flatMap(({ trail, timestamps, covered }) => {
    if (timestamps === undefined) return [];
    const { found, held, newest } = timestamps;
    if (newest === undefined) return [`${trail}: none that holds, of ${count(found)}`];
    const under = `${count(Math.min(newest.size, covered.to))} of ${plural(covered.to, 'record')}`;
    return [
      `${trail}: ${under}, at ${utc(newest.time)} UTC by ${newest.service}; ${count(held)} of ${count(found)} hold`,
    ];
  });
  return lines.length === 0
    ? []
    : ['', heading('records under time-stamps'), ...lines.flatMap((line) => wrap(line, width))];
}

function mlDsaLines({ trails }: Report, width: number, heading: (text: string) => string): string[] {
  const each = trails.flatMap(({ trail, mlDsa, covered }) =>
    mlDsa === undefined ? [] : [`${trail} ${count(mlDsa)} of ${count(covered.to)}`],
  );
  return each.length === 0
    ? []
    : ['', heading('records under a line of the ML-DSA-44 key'), ...wrap(each.join(', '), width)];
}

function sinceLines({ since }: Report, heading: (text: string) => string): string[] {
  if (since === undefined) return [];
  const { startedAt, verdict, added, gone, trails } = since;
  const size = (records: number | undefined): string => (records === undefined ? 'none' : count(records));
  return [
    '',
    heading(`since the report of ${utc(startedAt)} UTC`),
    `it said ${verdict.toUpperCase()}; ${plural(added.length, 'new problem')}, ${count(gone)} found no more`,
    ...trails.map(({ trail, from, to }) => `${trail}: ${size(from)} proven then, ${size(to)} now`),
  ];
}

function problemLines(
  problems: readonly Problem[],
  counts: Report['problemCounts'],
  width: number,
  heading: (text: string) => string,
): string[] {
  if (problems.length === 0) return [];
  const total = Object.values(counts).reduce((sum: number, times) => sum + (times ?? 0), 0);
  const lines = groupProblems(problems).flatMap(({ first, more, upTo }) => {
    const { kind, trail, object, seq, lastSeq, message } = first;
    const records =
      seq === undefined
        ? ''
        : lastSeq === undefined
          ? ` record ${count(seq)}`
          : ` records ${count(seq)} to ${count(lastSeq)}`;
    const others = upTo === undefined ? '' : ` and ${count(more)} more up to ${count(upTo)}`;
    const where = [trail === undefined ? '' : `${trail}${records}${others}`, object ?? '']
      .filter((part) => part !== '')
      .join(', ');
    return [`${kind}  ${where}`, ...wrap(message, width - 2).map((line) => `  ${line}`)];
  });
  const hidden = total - problems.length;
  const title = problems.every(({ kind }) => isNote(kind)) ? 'notes' : 'problems';
  return ['', heading(title), ...lines, ...(hidden > 0 ? [`… and ${count(hidden)} more`] : [])];
}
