import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { reportLines } from '../../../lib/cli/output/report-lines.ts';
import { exitCodeOf, parseTrustedKeys, type Report, renderReport, verifyArchive } from '../../../lib/verify/index.ts';
import { LineReader } from '../../../lib/verify/records/check-line.ts';
import { MAX_ACTIONS, OpenActions } from '../../../lib/verify/shards/open-actions.ts';
import { buildTrail, KEY, objectsOf, recordLines, TRAIL } from '../archive-builder.ts';

const trust = parseTrustedKeys(KEY.pem);

type Action = readonly [type: string, id?: string];

const eventOf = ([type, id]: Action, seq: number): string => {
  const context = id === undefined ? '' : `"context":{"action":"${id}"},`;
  return `{${context}"id":"e-${seq}","type":"action.${type}"}`;
};

async function verify(actions: readonly Action[], range?: { from: number; to: number }): Promise<Report> {
  const event = (seq: number): string => eventOf(actions[seq] ?? ['validated'], seq);
  const { archive } = buildTrail({ runs: [actions.length], seals: [actions.length], event });
  return verifyArchive(await objectsOf(archive), { trust, ...(range === undefined ? {} : { range, trails: [TRAIL] }) });
}

/** What follows records with these actions from a record on. */
function seen(actions: readonly Action[], from = 0): OpenActions {
  const event = (seq: number): string => eventOf(actions[seq] ?? ['validated'], seq);
  const lines = recordLines({ runs: [], seals: [], event }, actions.length);
  const [reader, open] = [new LineReader(TRAIL), new OpenActions()];
  for (const [at, line] of lines.entries()) {
    const leaf = Buffer.concat([Buffer.from([0]), Buffer.from(line)]);
    open.add(
      reader.read(leaf, 'object', () => undefined),
      from + at,
    );
  }
  return open;
}

describe('actions without an outcome', () => {
  test('are noted, each at its request, and the archive is ok all the same', async () => {
    const report = await verify([
      ['requested', 'a'],
      ['requested', 'b'],
      ['executed', 'a'],
      ['requested', 'c'],
      ['denied', 'c'],
    ]);
    expect([report.verdict, exitCodeOf(report), report.trails[0]?.proven]).toEqual(['ok', 0, 5]);
    expect(report.problemCounts).toEqual({ action_without_outcome: 1 });
    expect(report.problems).toMatchObject([
      { kind: 'action_without_outcome', seq: 1, message: expect.stringContaining('"b"') },
    ]);
    const text = reportLines(report, new PassThrough(), 120).join('\n');
    expect(text).toMatch(/^OK {2}.*\(1 note\)/);
    expect(text).toMatch(/^notes\naction_without_outcome {2}orders record 1$/m);
    expect(renderReport(report)).toContain('<h2>Notes</h2>');
  });

  test('are none where the outcome came first, or twice, or there is no id', async () => {
    const actions: Action[] = [
      ['failed', 'a'],
      ['requested', 'a'],
      ['requested', 'b'],
      ['executed', 'b'],
      ['failed', 'b'],
      ['requested'],
    ];
    expect((await verify(actions)).problemCounts).toEqual({});
  });

  test('are not told of a part of a trail: their outcome may be in the rest', async () => {
    expect(
      (
        await verify(
          [
            ['requested', 'a'],
            ['validated', 'a'],
          ],
          { from: 0, to: 1 },
        )
      ).problemCounts,
    ).toEqual({});
  });

  test('are the same however the trail is cut', () => {
    const actions: Action[] = [
      ['executed', 'z'],
      ['requested', 'a'],
      ['requested', 'b'],
      ['failed', 'a'],
      ['requested', 'z'],
      ['executed', 'b'],
      ['requested', 'c'],
    ];
    for (let cut = 0; cut <= actions.length; cut++) {
      const joined = seen(actions.slice(0, cut));
      joined.join(seen(actions.slice(cut), cut).seen());
      expect([...joined.problems(TRAIL)].map(({ seq }) => seq)).toEqual([6]);
    }
  });

  test('are not guessed at where there are too many to follow', () => {
    const open = new OpenActions();
    const many = new Map(Array.from({ length: MAX_ACTIONS }, (_, at) => [`a-${at}`, at] as const));
    open.join({ open: many, ended: new Set(), isLost: false });
    expect(open.isLost).toBe(false);
    open.join({ open: new Map([['one more', 1]]), ended: new Set(), isLost: false });
    expect(open.isLost).toBe(true);
  });
});
