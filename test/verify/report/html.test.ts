import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderReport } from '../../../lib/verify/report/html.ts';
import { markup } from '../../../lib/verify/report/markup.ts';
import type { Report } from '../../../lib/verify/report/report.ts';

/** A report in which every text is the given one. */
function reportWith(text: string): Report {
  return {
    format: 'sealtrail-verification/1',
    verdict: 'damaged',
    source: text,
    digest: text,
    startedAt: 1_795_251_600_000,
    finishedAt: 1_795_251_603_250,
    logName: text,
    logNameFrom: 'archive',
    trails: [
      {
        trail: text,
        verdict: 'incomplete',
        origin: text,
        newest: { size: 1234, root: text },
        covered: { from: 0, to: 1234 },
        proven: 1230,
        records: 1234,
        bytes: 617_000,
        objects: { segments: 1, bundles: 4, tiles: 5, checkpoints: 2 },
        checkpointsChecked: 2,
        firstAt: 1_795_251_600_000,
        lastAt: 1_795_255_200_000,
      },
    ],
    skipped: [{ why: text }, { trail: text, records: { from: 5, to: 9 }, why: text }],
    problems: [
      { kind: 'record_mismatch', trail: text, object: text, seq: 3, lastSeq: 1999, message: text },
      { kind: 'record_mismatch', trail: text, object: text, seq: 2001, message: text },
      { kind: 'record_mismatch', trail: text, object: text, seq: 2007, lastSeq: 2010, message: text },
      { kind: 'record_mismatch', trail: text, object: `${text}2`, seq: 2008, message: text },
      { kind: 'bad_name', message: text },
    ],
    problemCounts: { record_mismatch: 250, bad_name: 1 },
    keys: [{ name: text, keyId: text, algorithm: 'ed25519', fingerprint: text, trusted: true, to: 900, signed: 2 }],
    previous: [{ name: text, origin: text, size: 7, verdict: 'ok' }],
    timeline: { binMs: 900_000, start: 1_795_251_600_000, records: [0, 3, 1_000_000, 2], checkpoints: [0, 1, 0, 1] },
  };
}

const count = (text: string, what: string): number => text.split(what).length - 1;

describe('the report as a page', () => {
  const page = renderReport(reportWith('plain'));

  test('says the verdict, what was looked at and what was not, the problems and the keys', () => {
    for (const part of [
      'Damaged',
      '1,234',
      '0 to 1,233, but for 4',
      '<b>1,230</b> records proven',
      'records 3 to 1,999, 2 more up to record 2,010',
      'plain, record 2,008<br>',
      'What was not looked at',
      'records 5 to 8',
      'The first 5 of 251',
      'for sizes 0 to 900',
      'the log extends it',
      'sealtrail verify plain --key KEY.pem --previous plain</pre>',
      'Checked</dt><dd>2026-11-21 09:00:00 UTC, in 3.3 s',
      'Each bar is 15 minutes',
      '1,000,000 records',
    ]) {
      expect(page).toContain(part);
    }
  });

  test('names the program, its version, the command and the digest of what was read', () => {
    const program = { name: 'sealtrail', version: '1.2.3', command: 'sealtrail verify <x>' };
    const page = renderReport({ ...reportWith('plain'), program });
    for (const part of [', by sealtrail 1.2.3', '<pre>sealtrail verify &lt;x&gt;</pre>', '<dt>Digest</dt>']) {
      expect(page).toContain(part);
    }
  });

  test('says how to repeat just that, as a shell takes it', () => {
    const scope = { trails: ['orders'], range: { from: 100, to: 300 } };
    const scoped = renderReport({
      ...reportWith("it's here"),
      scope,
      logNameFrom: 'given',
      logName: 'log.example',
      previous: [],
    });
    expect(scoped).toContain(
      'sealtrail verify &#39;it&#39;\\&#39;&#39;s here&#39; --key KEY.pem --trail orders --from 100 --to 300 --log-name log.example</pre>',
    );
    const several = renderReport({ ...reportWith('x'), scope: { trails: ['orders', 'payments'] } });
    expect(several).toContain('sealtrail verify x --key KEY.pem --trail orders --trail payments --previous x</pre>');
  });

  test('needs nothing from anywhere, and lets nothing in', () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/https?:|<script|<link|<img|<iframe|@import|url\(|src=|href=/i);
  });

  test('calls a part intact as far as it was looked at, and never more', () => {
    const part: Report = { ...reportWith('x'), verdict: 'ok' };
    expect(renderReport(part)).toContain(' OK, as far as looked at</h1>');
    expect(renderReport(part)).toContain('What was not looked at is listed below.');
    expect(renderReport({ ...part, skipped: [] })).toContain(' OK</h1>');
    expect(page).toContain(' Damaged</h1>');
  });

  test('writes no time twice under the plot, however short it is', () => {
    const timeline = { binMs: 1000, start: 1_795_251_600_000, records: [1, 2], checkpoints: [0, 1] };
    const short = renderReport({ ...reportWith('x'), timeline });
    expect([...short.matchAll(/>(\d\d:\d\d:\d\d)<\/text>/g)].map(([, time]) => time)).toEqual([
      '09:00:00',
      '09:00:01',
      '09:00:02',
    ]);
  });

  test('draws nothing for an hour without a record, and something for the smallest other', () => {
    expect(count(page, '<rect class="records"')).toBe(3);
    expect(count(page, '<rect class="checkpoints"')).toBe(2);
    expect(page).toMatch(/height="1\.5"><title>2026-11-21 09:15:00: 3 records/);
  });

  test('holds any text as text: hostile names add no tag and no attribute', () => {
    const tags = (html: string): string[] => html.match(/<[^>]*>/g) ?? [];
    const shapes = (html: string): string[] => tags(html).map((tag) => tag.replace(/"[^"]*"/g, '""'));
    const expected = shapes(renderReport(reportWith('x')));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('</title><script>', '"onload="x', "'><b>", '&lt;', '<!--'),
        ),
        (text) => {
          expect(shapes(renderReport(reportWith(text)))).toEqual(expected);
        },
      ),
    );
  });

  test('an empty report is a page as well', () => {
    const { timeline: _, logName: __, logNameFrom: ___, ...rest } = reportWith('x');
    const empty: Report = {
      ...rest,
      verdict: 'ok',
      trails: [],
      skipped: [],
      problems: [],
      problemCounts: {},
      keys: [],
      previous: [],
    };
    expect(renderReport(empty)).toContain(' OK</h1>');
    expect(renderReport(empty)).not.toContain('<h2>Problems');
  });
});

describe('markup', () => {
  test('escapes strings, joins lists, drops undefined and passes markup on', () => {
    const inner = markup`<b>${'<'}</b>`;
    expect(markup`<p title="${'"\''}">${[inner, 1, undefined, '&']}</p>`.text).toBe(
      '<p title="&quot;&#39;"><b>&lt;</b>1&amp;</p>',
    );
  });

  test('shows what cannot be seen', () => {
    expect(markup`${'a\u0000b\u202ec\ud800'}`.text).toBe('a\\u0000b\\u202ec\\ud800');
  });
});
