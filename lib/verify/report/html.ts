import { groupBy } from '../../base/group-by.ts';
import { repeatCommand } from './command.ts';
import { grouped, plotTimeline, utc } from './html-plot.ts';
import { STYLE } from './html-style.ts';
import { type Hole, type Markup, markup } from './markup.ts';
import { isNote, totals } from './problem.ts';
import { groupProblems, type ProblemGroup } from './problem-groups.ts';
import type {
  Coverage,
  ExpectedTrail,
  KeyUse,
  PreviousResult,
  ProducerCounts,
  Report,
  Since,
  Skipped,
  Span,
  TrailEvidence,
  Verdict,
  WitnessReport,
} from './report.ts';

/**
 * A report as one HTML file that needs nothing else: no script, no font, no image from anywhere. Reads on paper as well.
 * Every value of the report is text in it, whatever it holds.
 *
 * @example
 * await writeFile('report.html', renderReport(report));
 */
export function renderReport(report: Report): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Verification of ${report.source}: ${WORDS[report.verdict]}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${heading(report)}
${figures(report)}
${report.problems.length === 0 ? undefined : problems(report)}
${report.timeline === undefined ? undefined : section('When', plotTimeline(report.timeline))}
${section('What was looked at', coverage(report.trails), expected(report.expectedTrails), skipped(report.skipped))}
${report.witnesses === undefined ? undefined : section('Witnesses', witnesses(report.witnesses, report.trails))}
${timestamps(report.trails)}
${report.previous.length === 0 ? undefined : section('Checkpoints kept from earlier', previous(report.previous))}
${report.since === undefined ? undefined : section('Since the earlier report', since(report.since))}
${section('Keys', keys(report.keys))}
${section('How to repeat this', repeat(report))}
</main>
</body>
</html>
`.text;
}

const section = (title: string, ...content: readonly Hole[]): Markup =>
  markup`<section><h2>${title}</h2>${content}</section>`;

const WORDS: Readonly<Record<Verdict, string>> = { ok: 'OK', incomplete: 'Incomplete', damaged: 'Damaged' };

const SENTENCES: Readonly<Record<Verdict, string>> = {
  ok: 'All that was looked at is intact and covered by signatures of the trusted keys.',
  incomplete: 'Nothing contradicts itself, but something is not proven, not covered or could not be read.',
  damaged: 'Something contradicts itself, or what was signed. The problems are listed below.',
};

function heading(report: Report): Markup {
  const { verdict, source, logName, logNameFrom, startedAt, finishedAt, skipped: left, program, digest } = report;
  // Who reads no further must not take a part for the whole.
  const isPart = verdict === 'ok' && left.length > 0;
  const seconds = Math.max(0, finishedAt - startedAt) / 1000;
  const from = { given: 'as expected', keys: 'from the trusted keys', archive: 'as the archive has it: compare it' };
  const origin = logNameFrom === undefined ? undefined : ` (${from[logNameFrom]})`;
  return markup`<header>
<p class="kind">Verification of an audit log</p>
<h1 class="${verdict}"><span class="mark" aria-hidden="true">${verdict === 'ok' ? '✓' : verdict === 'damaged' ? '✗' : '!'}</span> ${WORDS[verdict]}${isPart ? ', as far as looked at' : ''}</h1>
<p class="lead">${SENTENCES[verdict]}${isPart ? ' What was not looked at is listed below.' : ''}</p>
<dl>
<dt>Archive</dt><dd>${source}</dd>
<dt>Log</dt><dd>${logName ?? 'unknown'}${origin}</dd>
<dt>Checked</dt><dd>${utc(startedAt)} UTC, in ${seconds.toFixed(1)} s${program === undefined ? undefined : `, by ${program.name} ${program.version}`}</dd>
<dt>Digest</dt><dd><code class="object">${digest}</code></dd>
</dl>
</header>`;
}

function figures({ trails, problemCounts }: Report): Markup {
  const sum = (of: (trail: Coverage) => number): number => trails.reduce((total, trail) => total + of(trail), 0);
  const checkpoints = sum(({ checkpointsChecked }) => checkpointsChecked);
  const { problems: found, notes } = totals(problemCounts);
  const all: readonly (readonly [string, string])[] = [
    ['records read', grouped(sum(({ records }) => records))],
    ['records proven', grouped(sum(({ proven }) => proven))],
    [trails.length === 1 ? 'trail' : 'trails', grouped(trails.length)],
    [checkpoints === 1 ? 'checkpoint' : 'checkpoints', grouped(checkpoints)],
    [found === 1 ? 'problem' : 'problems', grouped(found)],
    ...(notes === 0 ? [] : [[notes === 1 ? 'note' : 'notes', grouped(notes)] as const]),
  ];
  return markup`<ul class="figures">${all.map(([name, value]) => markup`<li><b>${value}</b> ${name}</li>`)}</ul>`;
}

function problems({ problems: listed, problemCounts }: Report): Markup {
  const counts = Object.entries(problemCounts).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = counts.reduce((sum, [, count]) => sum + (count ?? 0), 0);
  const summary = counts.map(([kind, count]) => markup`<li><code>${kind}</code> ${grouped(count ?? 0)}</li>`);
  const more =
    total > listed.length
      ? markup`<p class="note">The first ${grouped(listed.length)} of ${grouped(total)}: at most 100 of each kind are listed.</p>`
      : undefined;
  return section(
    listed.every(({ kind }) => isNote(kind)) ? 'Notes' : 'Problems',
    markup`<ul class="kinds">${summary}</ul>
<table class="problems"><thead><tr><th>Kind</th><th>Where</th><th>What</th></tr></thead>
<tbody>${groupProblems(listed).map(problemRow)}</tbody></table>${more}`,
  );
}

function problemRow({ first, more, upTo }: ProblemGroup): Markup {
  const { kind, trail, object, seq, lastSeq, message } = first;
  const record =
    seq === undefined
      ? undefined
      : lastSeq === undefined
        ? `record ${grouped(seq)}`
        : `records ${grouped(seq)} to ${grouped(lastSeq)}`;
  const others = upTo === undefined ? undefined : `${grouped(more)} more up to record ${grouped(upTo)}`;
  return markup`<tr><td><code>${kind}</code></td>
<td class="long">${[trail, record, others].filter((part) => part !== undefined).join(', ')}${object === undefined ? undefined : markup`<br><code class="object">${object}</code>`}</td>
<td class="long">${message}</td></tr>`;
}

/** Records of the span that a problem is about. */
const butOf = ({ from, to }: Span, proven: number): string =>
  to - from > proven ? `, but for ${grouped(to - from - proven)}` : '';

const spanOf = ({ from, to }: Span): string => (to > from ? `${grouped(from)} to ${grouped(to - 1)}` : 'none');

function coverage(trails: readonly Coverage[]): Markup {
  return markup`<table><thead><tr><th>Trail</th><th>Verdict</th><th class="n">Records read</th><th>Proven</th><th>First and last (UTC)</th><th class="n">Objects</th></tr></thead>
<tbody>${trails.map(coverageRows)}</tbody></table>`;
}

function coverageRows({
  trail,
  verdict,
  origin,
  newest,
  covered,
  proven,
  records,
  objects,
  firstAt,
  lastAt,
  producers,
}: Coverage): Markup {
  const { segments, bundles, tiles, checkpoints } = objects;
  const times = firstAt === undefined || lastAt === undefined ? '' : markup`${utc(firstAt)}<br>${utc(lastAt)}`;
  const root =
    newest === undefined
      ? undefined
      : markup`<tr class="root"><td class="long" colspan="6">${origin}, size ${grouped(newest.size)}, root <code>${newest.root}</code></td></tr>`;
  return markup`<tr><td class="long">${trail}</td><td class="${verdict} whole">${WORDS[verdict]}</td><td class="n">${grouped(records)}</td><td class="whole">${spanOf(covered)}${butOf(covered, proven)}</td><td class="whole">${times}</td>
<td class="n">${grouped(segments + bundles + tiles + checkpoints)}</td></tr>${root}${producers === undefined ? undefined : producersRow(producers)}`;
}

function producersRow({ producers, numbered, missing, declared, repeated }: ProducerCounts): Markup {
  const [who, what] = [producers === 1 ? 'producer' : 'producers', numbered === 1 ? 'event' : 'events'];
  const counted = `${grouped(producers)} ${who} numbered ${grouped(numbered)} ${what}: ${grouped(missing)} missing, ${grouped(declared)} left out and declared, ${grouped(repeated)} there twice`;
  return markup`<tr class="root"><td class="long" colspan="6">${counted}</td></tr>`;
}

const NAMED_BY: Readonly<Record<TrailEvidence, string>> = {
  trusted_key: 'the trusted keys',
  archived_key: 'the archive’s keys',
  system_record: '_system',
  head_statement: '_heads',
};

function expected(list: readonly ExpectedTrail[] = []): Markup | undefined {
  if (list.length === 0) return undefined;
  const items = Object.entries(NAMED_BY).flatMap(([evidence, name]) => {
    const named = list.filter((one) => one.evidence.some((from) => from === evidence));
    return named.length === 0 ? [] : [markup`<li>${name}: ${named.map(({ trail }) => trail).join(', ')}</li>`];
  });
  return markup`<h3>Trails expected, by what names them</h3><ul>${items}</ul>`;
}

function skipped(list: readonly Skipped[]): Markup | undefined {
  if (list.length === 0) return undefined;
  const items = list.map(({ trail, records, why }) => {
    const what = records === undefined ? trail : `${trail ?? ''}, records ${spanOf(records)}`;
    return markup`<li>${what === undefined ? why : `${what}: ${why}`}</li>`;
  });
  return markup`<h3>What was not looked at</h3><ul>${items}</ul>`;
}

function since({ startedAt, verdict, added, gone, trails }: Since): Markup {
  const size = (records: number | undefined): string => (records === undefined ? 'none' : grouped(records));
  const rows = trails.map(
    ({ trail, from, to }) =>
      markup`<tr><td class="long">${trail}</td><td class="n">${size(from)}</td><td class="n">${size(to)}</td></tr>`,
  );
  return markup`<p>That one is of ${utc(startedAt)} UTC and says ${WORDS[verdict]}. New problems: ${grouped(added.length)}. No longer found: ${grouped(gone)}.</p>
<table><thead><tr><th>Trail</th><th class="n">Proven then</th><th class="n">Proven now</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function witnesses({ size, by }: WitnessReport, trails: readonly Coverage[]): Markup {
  if (size === undefined) return markup`<p>No quorum of the policy’s witnesses cosigned the heads.</p>`;
  const lines = by.map(
    ({ witness, key, time }) => markup`<li>${witness} (<code>${key}</code>), ${utc(time * 1000)} UTC</li>`,
  );
  const each = trails.map(
    ({ trail, witnessed = 0, covered }) => `${trail} ${grouped(witnessed)} of ${grouped(covered.to)}`,
  );
  return markup`<p>The heads up to ${grouped(size)} records were cosigned by</p><ul>${lines}</ul><p>Records under them: ${each.join(', ')}.</p>`;
}

function timestamps(trails: readonly Coverage[]): Markup | undefined {
  const rows = trails.flatMap(({ trail, covered, timestamps: counts }) => {
    if (counts === undefined) return [];
    const { newest, held, found } = counts;
    const when = newest === undefined ? 'none that holds' : `${utc(newest.time)} UTC, ${newest.service}`;
    const under = `${grouped(Math.min(newest?.size ?? 0, covered.to))} of ${grouped(covered.to)}`;
    return [
      markup`<tr><td class="long">${trail}</td><td class="n">${under}</td><td class="long">${when}</td><td class="n">${grouped(held)} of ${grouped(found)}</td></tr>`,
    ];
  });
  if (rows.length === 0) return undefined;
  const head = markup`<thead><tr><th>Trail</th><th class="n">Records under one</th><th>The newest</th><th class="n">That hold</th></tr></thead>`;
  return section('Time-stamps', markup`<table>${head}<tbody>${rows}</tbody></table>`);
}

function previous(list: readonly PreviousResult[]): Markup {
  const words: Readonly<Record<Verdict, string>> = {
    ok: 'the log extends it',
    incomplete: 'could not be compared',
    damaged: 'the log contradicts it',
  };
  const rows = list.map(
    ({ name, origin, size, verdict }) =>
      markup`<tr><td class="long">${name}</td><td class="long">${origin ?? ''}</td><td class="n">${size === undefined ? '' : grouped(size)}</td><td class="${verdict} whole">${words[verdict]}</td></tr>`,
  );
  return markup`<table><thead><tr><th>File</th><th>Log</th><th class="n">Size</th><th>Result</th></tr></thead><tbody>${rows}</tbody></table>`;
}

/** One key signs under a name for each trail: its fingerprint is what a reader compares. */
function keys(uses: readonly KeyUse[]): Markup {
  const rows = [...groupBy(uses, ({ fingerprint, trusted, from, to }) => [fingerprint, trusted, from, to].join())].map(
    ([, [use, ...others]]) => {
      if (use === undefined) return undefined;
      const { algorithm, fingerprint, trusted, from, to } = use;
      const signed = [use, ...others].reduce((sum, { signed: count }) => sum + count, 0);
      const bounds = from === undefined && to === undefined ? '' : ` for sizes ${from ?? 0} to ${to ?? 'any'}`;
      const names = [use, ...others].map(({ name, keyId }) => markup`<li>${name} <code>${keyId}</code></li>`);
      return markup`<tr><td class="long"><code class="object">${fingerprint}</code><ul class="names">${names}</ul></td><td>${algorithm}</td>
<td class="${trusted ? 'ok' : 'incomplete'}">${trusted ? 'trusted' : 'not trusted'}${bounds}</td><td class="n">${grouped(signed)}</td></tr>`;
    },
  );
  return markup`<p>Compare these fingerprints with those that the log’s owner published elsewhere. A report says nothing about keys that are not the owner’s.</p>
<table><thead><tr><th>SHA-256 fingerprint of the public key</th><th>Algorithm</th><th>Trust</th><th class="n">Checkpoints signed</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function repeat(report: Report): Markup {
  return markup`<p>Anyone with a copy of the archive and the public key can repeat this, and reach the same verdict without our program: see <code>docs/verify-yourself.md</code>.</p>
<pre>${report.program?.command ?? repeatCommand(report)}</pre>
<p>Keep the newest checkpoint of each trail, <code>${report.source}/TRAIL/checkpoint</code>: given with <code>--previous FILE</code>, a later verification proves that the log only grew since, no matter who holds the signing key.</p>`;
}
