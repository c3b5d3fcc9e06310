import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** A shipper's input has bad lines, and the good ones must arrive all the same. */

let test: TestLog;
beforeAll(async () => {
  test = await openTestLog();
});
afterAll(() => test.close());

const event = (n: number): string => JSON.stringify({ type: 'data.read', actor: { id: `user-${n}` }, details: { n } });

async function sizeOf(trail: string): Promise<number> {
  return (await test.log.ledger.head(trail))?.size ?? 0;
}

async function actorsOf(trail: string): Promise<string[]> {
  const { stdout } = await cli(['query', trail, '--all', '--order', 'oldest', '--format', 'ndjson'], {
    env: test.env('auditor'),
  });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).event.actor.id);
}

describe('append --keep-going', () => {
  const bad = JSON.stringify({ type: 'data.read', actor: { id: 7 } });
  const text = `{"type":\n${event(0)}\n${bad}\n${event(1)}\n\n{"type":"data.read","type":"data.read"}\n[1]\n${event(2)}\n`;
  const good = ['user-0', 'user-1', 'user-2'];

  it.each([1, 2, 3, 500])(
    'appends the good ones once and in order, in batches of %s, and names the others',
    async (size) => {
      const trail = `going-${size}`;
      const args = ['append', trail, '--keep-going', '--batch', String(size)];
      const { code, stdout, stderr } = await cli(args, { env: test.env('writer'), input: text });
      expect(code).toBe(2);
      expect(await actorsOf(trail)).toEqual(good);
      expect(stdout).toContain(`appended  3 events to ${trail}: records 0 to 2\n`);
      expect(stdout).toContain('proven    under the checkpoint of 3 records');
      expect(stdout).toContain('refused   4 events, each named on stderr with the reason\n');
      expect(stderr.trimEnd().split('\n').sort()).toEqual([
        expect.stringMatching(/^refused: line 1 is not JSON: /),
        expect.stringMatching(/^refused: line 3: actor\.id: /),
        expect.stringMatching(/^refused: line 6: /),
        expect.stringMatching(/^refused: line 7 is not an event: /),
      ]);
    },
  );

  it('tells a program the same, a JSON document a line', async () => {
    const args = ['append', 'going-json', '--keep-going', '--json', '--parallel', '4', '--batch', '1'];
    const { code, stdout, stderr } = await cli(args, { env: test.env('writer'), input: text });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ events: 3, refused: 4 });
    const refused = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).refused);
    expect(refused.find(({ where }) => where === 'line 3')).toMatchObject({ code: 'invalid_event', field: 'actor.id' });
    expect(refused.map(({ where }) => where).sort()).toEqual(['line 1', 'line 3', 'line 6', 'line 7']);
  });

  it('appends nothing twice when it is repeated', async () => {
    const file = join(test.folder, 'going.ndjson');
    writeFileSync(file, text);
    const args = [
      'append',
      'going-again',
      file,
      '--keep-going',
      '--batch',
      '2',
      '--idempotency-key',
      'going-1',
      '--json',
    ];
    expect((await cli(args, { env: test.env('writer') })).code).toBe(2);
    expect(JSON.parse((await cli(args, { env: test.env('writer') })).stdout)).toMatchObject({ events: 3, replayed: 3 });
    expect(await actorsOf('going-again')).toEqual(good);
  });

  it('passes over a line without end, and says so where nothing was left', async () => {
    async function* endless(): AsyncGenerator<string> {
      for (let i = 0; i < 20; i++) yield 'x'.repeat(100_000);
      yield `\n${bad}\n`;
    }
    const result = await cli(['append', 'going-none', '--keep-going'], { env: test.env('writer'), input: endless() });
    expect(result).toMatchObject({ code: 2, stdout: 'refused   2 events, each named on stderr with the reason\n' });
    expect(result.stderr).toMatch(/^refused: line 1 is longer than 1 MB; .*\nrefused: line 2: actor\.id: .*\n$/);
    expect(await sizeOf('going-none')).toBe(0);
  });

  it('goes past items of an array that are no events, and not past one that is no JSON', async () => {
    const input = `[${event(0)}, 7, ${bad}, ${event(1)}, {"type": oops}, ${event(2)}]`;
    const result = await cli(['append', 'going-array', '--keep-going'], { env: test.env('writer'), input });
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/refused: item 2 is not an event/);
    expect(result.stderr).toMatch(/refused: item 3: actor\.id/);
    expect(result.stderr).toMatch(/sealtrail: item 5 is not JSON: .*\n2 events before it are appended\.\n/);
    expect(await actorsOf('going-array')).toEqual(['user-0', 'user-1']);
  });

  it('does not go past a server that refuses the request', async () => {
    const result = await cli(['append', 'going-denied', '--keep-going'], { env: test.env('auditor'), input: text });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(/\nsealtrail: .*Nothing was appended/s);
  });
});

describe('append --lenient', () => {
  it('has the log keep what does not fit, and checks the receipts all the same', async () => {
    const odd = [
      `{"type":"data.read","actor":{"id":7,"ip":"203.0.113.7:443","name":"${'n'.repeat(600)}"}}`,
      '{"type":"data.read","type":"data.updated","details":{"n":1e300,"deep":"\\ud800"}}',
      '{"type":"No Type","actor":"alice","color":"red"}',
    ];
    const args = ['append', 'lenient', '--lenient', '--json'];
    const { code, stdout, stderr } = await cli(args, { env: test.env('writer'), input: odd.join('\n') });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ events: 3, refused: 0, checkpoint: { size: 3 } });
    const { stdout: found } = await cli(['query', 'lenient', '--order', 'oldest', '--format', 'ndjson'], {
      env: test.env('auditor'),
    });
    const [first, second, third] = found
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).event);
    expect(first).toMatchObject({ actor: { id: '7' }, converted: ['actor.id', 'actor.ip', 'actor.name'] });
    expect(second).toMatchObject({ type: 'data.updated', converted: expect.arrayContaining(['details.n', 'type']) });
    expect(third).toMatchObject({ type: 'custom.event', actor: { id: 'alice' }, details: { unfit: { color: 'red' } } });
    expect(third.converted).toEqual(['actor', 'color', 'type']);
  });
});
