import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { reportLines } from '../../../lib/cli/output/report-lines.ts';
import { FIRST_LINK, producerLink } from '../../../lib/log/producer.ts';
import { exitCodeOf, parseTrustedKeys, type Report, renderReport, verifyArchive } from '../../../lib/verify/index.ts';
import { LineReader } from '../../../lib/verify/records/check-line.ts';
import { MAX_PRODUCERS, Producers } from '../../../lib/verify/shards/producer-order.ts';
import { type Archive, buildTrail, copyOf, KEY, objectsOf, recordLines, TRAIL } from '../archive-builder.ts';

const trust = parseTrustedKeys(KEY.pem);

/** A numbered event as sealed. */
interface Sent {
  readonly id: string;
  readonly producer: string;
  readonly json: string;
}

/** Events of one producer with these numbers; `prefix` makes others with the same. */
function send(producer: string, numbers: readonly number[], prefix = 'e'): Sent[] {
  let prev = FIRST_LINK;
  return numbers.map((seq) => {
    const id = `${prefix}-${producer}-${seq}`;
    const json = `{"id":"${id}","producer":{"id":"${producer}","prev":"${prev}","seq":${seq}},"type":"a.b"}`;
    prev = producerLink(id, { id: producer, prev, seq });
    return { id, producer, json };
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function archiveOf(events: readonly Sent[]): Archive {
  const event = (seq: number): string => events[seq]?.json ?? '{"id":"other","type":"a.b"}';
  return buildTrail({ runs: [events.length], seals: [events.length], event }).archive;
}

async function verify(archive: Archive, range?: { from: number; to: number }): Promise<Report> {
  const options = range === undefined ? {} : { range, trails: [TRAIL] };
  return verifyArchive(await objectsOf(archive), { trust, ...options });
}

const dealt = (...hands: Sent[][]): Sent[] =>
  upTo(Math.max(...hands.map((hand) => hand.length))).flatMap((i) => hands.flatMap((hand) => hand[i] ?? []));

describe('what producers numbered', () => {
  test('is counted where nothing is missing', async () => {
    const report = await verify(archiveOf(dealt(send('a', upTo(300)), send('b', upTo(200)))));
    expect([report.verdict, report.trails[0]?.producers]).toEqual([
      'ok',
      { producers: 2, numbered: 500, missing: 0, declared: 0, repeated: 0 },
    ]);
    const text = reportLines(report, new PassThrough(), 120).join('\n');
    expect(text).toContain('orders: 2 producers numbered 500 events, none is missing');
  });

  test('and is not there is said, for each producer, at the record that misses it; and ok is not', async () => {
    const a = send('a', upTo(10)).filter((_, seq) => ![3, 4, 7].includes(seq));
    const report = await verify(archiveOf(dealt(a, send('b', upTo(7)))));
    expect([report.verdict, exitCodeOf(report)]).toEqual(['incomplete', 1]);
    expect(report.problemCounts).toEqual({ missing_events: 2 });
    expect(report.problems).toEqual([
      {
        ...{ kind: 'missing_events', trail: TRAIL, seq: 6 },
        message:
          'the producer a of "app" numbered its events 3 to 4, and this record, the next one, names what is not in the trail',
      },
      expect.objectContaining({ seq: 10, message: expect.stringContaining('its event 7') }),
    ]);
    expect(report.trails[0]).toMatchObject({ verdict: 'incomplete', producers: { producers: 2, missing: 3 } });
    const text = reportLines(report, new PassThrough(), 120).join('\n');
    expect(text).toContain('orders: 2 producers numbered 14 events, 3 more are missing');
    expect(renderReport(report)).toContain('2 producers numbered 14 events: 3 missing');
  });

  test('but was left out on purpose is counted, and nothing is wrong; so are events that came late or twice', async () => {
    const events = send('a', [0, 1, 5, 6, 7, 8]);
    const late = [0, 1, 3, 4, 2, 3, 4, 5, 5].flatMap((i) => events[i] ?? []);
    const report = await verify(archiveOf(late));
    expect([report.verdict, report.trails[0]?.producers]).toEqual([
      'ok',
      { producers: 1, numbered: 9, missing: 0, declared: 3, repeated: 3 },
    ]);
  });

  test('twice, with different events, shows two histories', async () => {
    const events = [...send('a', upTo(5)), ...send('a', upTo(5), 'other').slice(2)];
    const { verdict, problems } = await verify(archiveOf(events));
    expect(verdict).toBe('incomplete');
    expect(problems.map(({ kind }) => kind)).toContain('producer_fork');
    expect(problems[0]?.message).toMatch(/^the producer a of "app" has two histories: its number \d was given to diff/);
  });

  test('is one thing for each submitter: no one can number for another', async () => {
    const [first, second] = [send('a', upTo(3)), send('a', upTo(3), 'other')];
    const lines = recordLines({ runs: [6], event: (seq) => [...first, ...second][seq]?.json ?? '' }, 6);
    const producers = new Producers();
    const reader = new LineReader(TRAIL);
    for (const [seq, line] of lines.entries()) {
      const of = seq < 3 ? line : line.replace('"submitter":"app"', '"submitter":"\\u001b[2J"');
      producers.add(reader.read(Buffer.from(`\0${of}`), 'x', expect.fail), seq);
    }
    expect(producers.counts()).toMatchObject({ producers: 2, numbered: 6, missing: 0 });
    expect([...producers.problems(TRAIL)]).toEqual([]);
  });

  test('is one thing for a role, whatever its sessions are named, and two for two roles', async () => {
    const events = [...send('a', upTo(4)), ...send('a', upTo(4), 'other')];
    const lines = recordLines({ runs: [8], event: (seq) => events[seq]?.json ?? '' }, 8);
    const producers = new Producers();
    const reader = new LineReader(TRAIL);
    for (const [seq, line] of lines.entries()) {
      const role = `arn:aws:sts::123456789012:assumed-role/${seq < 4 ? 'shop' : 'till'}`;
      const of = line.replace('"submitter":"app"', `"submitter":"${role}/session \\"${seq}\\""`);
      producers.add(reader.read(Buffer.from(`\0${of}`), 'x', expect.fail), seq);
    }
    expect([...producers.problems(TRAIL)]).toEqual([]);
    expect(producers.counts()).toEqual({ producers: 2, numbered: 8, missing: 0, declared: 0, repeated: 0 });
  });

  test('is judged over a whole trail: of a range it is not said', async () => {
    const archive = archiveOf(send('a', upTo(1000)));
    const { verdict, problems, skipped, trails } = await verify(archive, { from: 600, to: 1000 });
    expect([verdict, problems, trails[0]?.producers]).toEqual(['ok', [], undefined]);
    expect(skipped.at(-1)?.why).toMatch(/producers numbered and are not there: it takes all records to know$/);
  });

  test('is not said to be missing where records are', async () => {
    const events = send('a', upTo(600));
    const archive = copyOf(
      buildTrail({ runs: [256, 600], seals: [600], event: (seq) => events[seq]?.json ?? '' }).archive,
    );
    for (const key of [...archive.keys()].filter((name) => /-0{13}255\.jsonl|entries\/000$/.test(name)))
      archive.delete(key);
    const { problemCounts, skipped } = await verify(archive);
    expect(problemCounts).not.toHaveProperty('missing_events');
    expect(problemCounts).toHaveProperty('missing_records');
    expect(skipped.at(-1)?.why).toMatch(/are not there: records are missing or damaged$/);
  });

  test('in details is nothing of ours, and what has not the form of a number is none', () => {
    const producers = new Producers();
    const reader = new LineReader(TRAIL);
    const [good] = send('a', [0]);
    for (const event of [
      `{"details":${good?.json},"id":"x","type":"a.b"}`,
      '{"id":"x","producer":{"id":"a"},"type":"a.b"}',
      '{"id":"é","producer":{"id":"a","prev":"x","seq":0},"type":"a.b"}',
      '{"producer":7}',
    ]) {
      const [line = ''] = recordLines({ runs: [1], event: () => event }, 1);
      producers.add(reader.read(Buffer.from(`\0${line}`), 'x', expect.fail), 0);
    }
    expect(producers.counts()).toBeUndefined();
  });

  test('is followed for so many producers and no more, and the rest is counted', () => {
    const producers = new Producers();
    const reader = new LineReader(TRAIL);
    const [template = ''] = recordLines({ runs: [1], event: () => send('PPP', [0])[0]?.json ?? '' }, 1);
    for (let i = 0; i < MAX_PRODUCERS + 5; i++) {
      producers.add(reader.read(Buffer.from(`\0${template.replaceAll('PPP', `p${i}`)}`), 'x', expect.fail), i);
    }
    const more = new Producers();
    more.join(producers.seen());
    more.join(producers.seen());
    expect(producers.counts()).toMatchObject({ producers: MAX_PRODUCERS, unfollowed: 5 });
    expect(more.counts()).toMatchObject({ producers: MAX_PRODUCERS, unfollowed: 10, repeated: MAX_PRODUCERS });
  });
});
