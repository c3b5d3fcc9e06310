import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let test: TestLog;
beforeAll(async () => {
  test = await openTestLog();
});
afterAll(() => test.close());

const event = (n: number): string => JSON.stringify({ type: 'data.read', actor: { id: `user-${n}` }, details: { n } });
const lines = (count: number): string => Array.from({ length: count }, (_, n) => `${event(n)}\n`).join('');

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

describe('append', () => {
  it('takes NDJSON from standard input, in batches, in order, and says where it landed and that it is proven', async () => {
    const result = await cli(['append', 'stdin', '--batch', '7'], { env: test.env('writer'), input: lines(30) });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(
      /^appended {2}30 events to stdin: records 0 to 29\nproven {4}under the checkpoint of 30 records, signed by the key [0-9a-f]{64} /,
    );
    expect(await actorsOf('stdin')).toEqual(Array.from({ length: 30 }, (_, n) => `user-${n}`));
  });

  it.each([
    ['an array', `[${event(1)},\n${event(2)}]`, 2],
    ['one event over several lines', JSON.stringify(JSON.parse(event(1)), null, 2), 1],
    ['one event on one line', event(1), 1],
  ])('takes %s from a file', async (_, text, count) => {
    const file = join(test.folder, 'events.json');
    writeFileSync(file, text);
    const before = await sizeOf('file');
    expect((await cli(['append', 'file', file], { env: test.env('writer') })).code).toBe(0);
    expect(await sizeOf('file')).toBe(before + count);
  });

  it('does nothing with nothing', async () => {
    const result = await cli(['append', 'nothing'], { env: test.env('writer'), input: '\n\n' });
    expect(result).toEqual({ code: 0, stdout: 'Nothing to append: the input holds no events.\n', stderr: '' });
    expect(await sizeOf('nothing')).toBe(0);
  });

  it('tells a program the same as JSON', async () => {
    const { stdout } = await cli(['append', 'json', '--json'], { env: test.env('admin'), input: lines(3) });
    const hex: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(JSON.parse(stdout)).toEqual({
      trail: 'json',
      events: 3,
      replayed: 0,
      refused: 0,
      unsealed: 0,
      first: 0,
      last: 2,
      checkpoint: { origin: 'log.example/json', size: 3, root: hex, keys: [hex] },
      keys: { from: 'server', fingerprints: [hex] },
    });
  });

  it('keeps the receipts when asked to', async () => {
    const file = join(test.folder, 'receipts.ndjson');
    await cli(['append', 'kept', '--receipts', file, '--batch', '2'], { env: test.env('writer'), input: lines(5) });
    const receipts = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(receipts.map(({ first, count, sealed }) => ({ first, count, sealed }))).toEqual([
      { first: 0, count: 2, sealed: true },
      { first: 2, count: 2, sealed: true },
      { first: 4, count: 1, sealed: true },
    ]);
  });

  it('can be repeated with its idempotency key, and appends only what was missing', async () => {
    const file = join(test.folder, 'repeat.ndjson');
    writeFileSync(file, lines(5));
    const args = ['append', 'repeat', file, '--batch', '2', '--idempotency-key', 'upload-1'];
    await cli(args, { env: test.env('writer') });
    writeFileSync(file, lines(8).split('\n').slice(0, 4).join('\n'));
    const again = await cli([...args, '--json'], { env: test.env('writer') });
    expect(JSON.parse(again.stdout)).toMatchObject({ events: 4, replayed: 4, first: 0, last: 3 });
    expect(await sizeOf('repeat')).toBe(5);
  });

  it('may send several requests at once, and loses none', async () => {
    await cli(['append', 'parallel', '--batch', '3', '--parallel', '8'], {
      env: test.env('writer'),
      input: lines(100),
    });
    expect((await actorsOf('parallel')).sort()).toEqual(Array.from({ length: 100 }, (_, n) => `user-${n}`).sort());
  });

  it('shows how far it is, on a terminal only', async () => {
    async function* slowly(): AsyncGenerator<string> {
      for (let i = 0; i < 3; i++) {
        yield lines(2);
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
    }
    const onTerminal = await cli(['append', 'shown', '--batch', '2'], {
      env: test.env('writer'),
      input: slowly(),
      columns: 80,
    });
    expect(onTerminal.stderr.split('\r\u001b[2K')[1]).toMatch(/^2 events appended · \d+ B read · [\d,]+\/s$/);
    expect(onTerminal.stderr.endsWith('\r\u001b[2K')).toBe(true);
    const inPipeline = await cli(['append', 'shown', '--batch', '2'], { env: test.env('writer'), input: lines(6) });
    expect(inPipeline.stderr).toBe('');
  });
});

describe('input that cannot be appended', () => {
  it('is named with its line; what was before it stays, nothing after it is sent', async () => {
    const text = `${lines(5)}{"type":\n${event(6)}\n`;
    const result = await cli(['append', 'broken', '--batch', '2'], { env: test.env('writer'), input: text });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(/^sealtrail: line 6 is not JSON: .*\n5 events before it are appended\.\n$/);
    expect(await sizeOf('broken')).toBe(5);
  });

  it("is named with its line where only the server sees what is wrong, and the batch's others are not appended", async () => {
    const text = `${lines(3)}\n${JSON.stringify({ type: 'data.read', actor: { id: 7 } })}\n${event(4)}\n`;
    const result = await cli(['append', 'refused', '--batch', '2', '--json'], { env: test.env('writer'), input: text });
    expect(result.code).toBe(2);
    const { error } = JSON.parse(result.stderr);
    expect(error).toMatchObject({ code: 'invalid_event', field: 'actor.id' });
    expect(error.message).toMatch(/^line 5: actor\.id: .*\n2 events before it are appended\.$/s);
    expect(await sizeOf('refused')).toBe(2);
  });

  it('is judged by the server as it was written: a key that comes twice is refused, not repaired', async () => {
    const result = await cli(['append', 'twice'], {
      env: test.env('writer'),
      input: '{"type":"data.read","type":"data.read"}',
    });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('line 1: ');
    expect(await sizeOf('twice')).toBe(0);
  });

  it.each([
    [
      'a file that is not there',
      ['append', 'x', '/nowhere/events'],
      /^sealtrail: cannot read the events \/nowhere\/events: there is no such file\n/,
    ],
    ['a folder', ['append', 'x', '/tmp'], /: it is a folder\n/],
    [
      'a name that no trail has',
      ['append', 'Bad/Name'],
      /^sealtrail: "Bad\/Name" is no trail: a name has 1 to 63 of a-z, 0-9 and -/,
    ],
    [
      'a batch size that no server takes',
      ['append', 'x', '--batch', '5000'],
      /^sealtrail: --batch must be a whole number from 1 to 1000, not "5000"/,
    ],
  ])('%s', async (_, args, message) => {
    const result = await cli(args, { env: test.env('writer'), input: event(1) });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  it('says how to go on after a failure in between, when the same file can be sent again', async () => {
    const file = join(test.folder, 'half.ndjson');
    writeFileSync(file, `${lines(4)}oops\n`);
    const result = await cli(['append', 'half', file, '--batch', '2'], { env: test.env('writer') });
    const [, key = ''] = /repeat the command with --idempotency-key (\S+) --batch 2\n/.exec(result.stderr) ?? [];
    writeFileSync(file, lines(6));
    const again = await cli(['append', 'half', file, '--batch', '2', '--idempotency-key', key, '--json'], {
      env: test.env('writer'),
    });
    expect(JSON.parse(again.stdout)).toMatchObject({ events: 6, replayed: 4 });
    expect(await sizeOf('half')).toBe(6);
  });
});

describe('a checkpoint that is kept', () => {
  const kept = (): string => join(test.folder, 'kept.checkpoint');
  const append = (log: TestLog) =>
    cli(['append', 'remembered', '--checkpoint', kept(), '--batch', '2'], { env: log.env('writer'), input: lines(3) });

  it('must be extended by what comes later, and moves on', async () => {
    expect((await append(test)).code).toBe(0);
    expect(readFileSync(kept(), 'utf8')).toMatch(/^log\.example\/remembered\n3\n/);
    expect((await append(test)).code).toBe(0);
    expect(readFileSync(kept(), 'utf8')).toMatch(/^log\.example\/remembered\n6\n/);
  });

  it('finds out a log that has been rolled back, with the same key and the same name', async () => {
    await append(test);
    const before = readFileSync(kept(), 'utf8');
    // What the log denies now: a checkpoint that it has signed.
    const exact = vi.spyOn(test.log.ledger, 'exactCheckpoint').mockResolvedValue(undefined);
    const result = await append(test);
    exact.mockRestore();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /^sealtrail: the log denies a checkpoint that it has signed: trail remembered has no checkpoint of size 9:/,
    );
    expect(readFileSync(kept(), 'utf8')).toBe(before);
  });

  it('finds out another log under the same name', async () => {
    const other = await openTestLog();
    const result = await append(other);
    await other.close();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /^sealtrail: (the signature by the key log\.example\/remembered does not hold|no signature is by a key that is trusted)/,
    );
  });

  it('that is damaged says so, and nothing is appended', async () => {
    const size = await sizeOf('remembered');
    writeFileSync(kept(), 'half a checkp');
    expect((await append(test)).code).toBe(1);
    expect(await sizeOf('remembered')).toBe(size);
  });
});

describe('a server that lies', () => {
  /** Stands between the client and the real server and changes the answers to appends; tells what is asked and answered. */
  async function liar(
    change: (receipt: Record<string, unknown>) => unknown,
    tell: (what: string) => void = () => undefined,
  ): Promise<{ url: string; close: () => void }> {
    const target = new URL(test.url);
    const proxy = createServer((incoming, outgoing) => {
      const what = `${incoming.method} ${new URL(incoming.url ?? '', target).pathname.split('/').at(-1)}`;
      tell(`asked ${what}`);
      // The host header goes along unchanged: the signature is over it.
      const options = {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      };
      const onward = request(options, async (answer) => {
        const parts: Buffer[] = [];
        for await (const part of answer) parts.push(part);
        const text = Buffer.concat(parts).toString();
        const body = incoming.method === 'POST' ? JSON.stringify(change(JSON.parse(text))) : text;
        outgoing.writeHead(answer.statusCode ?? 500, { 'content-type': 'application/json' });
        tell(`answered ${what}`);
        outgoing.end(body);
      });
      incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    // A server that listens on TCP has such an address.
    return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close: () => proxy.close() };
  }

  it('sees one append at a time, and is asked for no proof that receipts bring along', async () => {
    const told: string[] = [];
    const proxy = await liar(
      (receipt) => receipt,
      (what) => told.push(what),
    );
    const env = { ...test.env('writer'), SEALTRAIL_ENDPOINT: proxy.url };
    expect((await cli(['append', 'alone', '--batch', '3'], { env, input: lines(12) })).code).toBe(0);
    proxy.close();
    const rounds = Array.from({ length: 4 }, () => ['asked POST events', 'answered POST events']).flat();
    expect(told.filter((what) => what.includes('POST'))).toEqual(rounds);
    expect(told.filter((what) => what.includes('consistency'))).toEqual([]);
    expect(await actorsOf('alone')).toEqual(Array.from({ length: 12 }, (_, n) => `user-${n}`));
  });

  const swapped = (text: unknown): string => String(text).replace('user-1', 'user-9');

  it.each<[string, (receipt: Record<string, unknown>) => unknown, string]>([
    [
      'shows other records than it sealed',
      (receipt) => ({ ...receipt, lines: (receipt.lines as string[]).map(swapped) }),
      'another hash',
    ],
    ['leaves the records out', ({ lines: _, ...receipt }) => receipt, 'the server left the records out'],
    ['leaves an event out', (receipt) => ({ ...receipt, count: 2 }), 'and 3 were sent'],
    [
      'sends the proof of something else',
      (receipt) => ({ ...receipt, proof: [`${'A'.repeat(43)}=`] }),
      'the receipt is wrong',
    ],
    [
      'sends a checkpoint that it did not sign',
      (receipt) => ({ ...receipt, checkpoint: String(receipt.checkpoint).replace(/\n\d+\n/, '\n99\n') }),
      'does not hold',
    ],
    ['sends something that is no receipt', () => ({ ok: true }), 'shape of a receipt'],
  ])('%s', async (_, change, reason) => {
    const proxy = await liar(change);
    const env = { ...test.env('writer'), SEALTRAIL_ENDPOINT: proxy.url };
    const result = await cli(['append', 'lied-to'], { env, input: lines(3) });
    proxy.close();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain(reason);
  });

  it('is found even where it proves well what it sealed, if that is not what was sent', async () => {
    const { ledger } = test.log;
    const append = ledger.append.bind(ledger);
    const spy = vi.spyOn(ledger, 'append').mockImplementation((order) =>
      append({
        ...order,
        events: order.events.map(({ id, json }) => ({ id, json: json.replace('"n":1', '"n":7') })),
      }),
    );
    const result = await cli(['append', 'altered'], { env: test.env('writer'), input: lines(3) });
    spy.mockRestore();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/^sealtrail: record 1 is not line 2 as it was sent: its field details\.n differs\n/);
  });

  it('is also found by its key, where the user brings the right one', async () => {
    await cli(['keys', '--export', join(test.folder, 'right')], { env: test.env('auditor') });
    const right = join(test.folder, 'right', 'log.pem');
    expect((await cli(['append', 'keyed', '--key', right], { env: test.env('writer'), input: lines(1) })).code).toBe(0);
    const other = join(test.folder, 'other.pem');
    writeFileSync(
      other,
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n',
    );
    const result = await cli(['append', 'keyed', '--key', other], { env: test.env('writer'), input: lines(1) });
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toBe(
      'sealtrail: no signature is by a key that is trusted\nThe server says that it took 1 event, and nothing proves that.\n',
    );
    expect(await sizeOf('keyed')).toBe(2);
  });

  it('is not said to have taken nothing, and its file can be sent again under the right key', async () => {
    const file = join(test.folder, 'again.ndjson');
    writeFileSync(file, lines(5));
    let answers = 0;
    const proxy = await liar((receipt) => (++answers === 2 ? { ...receipt, proof: [`${'A'.repeat(43)}=`] } : receipt));
    const env = { ...test.env('writer'), SEALTRAIL_ENDPOINT: proxy.url };
    const result = await cli(['append', 'again', file, '--batch', '2'], { env });
    proxy.close();
    expect(result.stderr).toContain(
      '\n2 events before it are appended. The server says that it took 3 events more, and nothing proves that.\n',
    );
    const [, key = ''] = /repeat the command with --idempotency-key (\S+) --batch 2\n/.exec(result.stderr) ?? [];
    const repeat = ['append', 'again', file, '--batch', '2', '--idempotency-key', key, '--json'];
    const again = await cli(repeat, { env: test.env('writer') });
    expect(JSON.parse(again.stdout)).toMatchObject({ events: 5, replayed: 5 });
  });
});
