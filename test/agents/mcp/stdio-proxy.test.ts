import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Conversation } from '../../../lib/agents/mcp/conversation.ts';
import { proxyStdio } from '../../../lib/agents/mcp/stdio-proxy.ts';
import { linesOf } from '../../../lib/json/lines.ts';
import { DEAF, recording } from '../recording.ts';

/** Answers each line with its length and the line itself, and ends at `bye`. */
const ECHO = `
  process.stdin.setEncoding('latin1').on('data', (text) => {
    process.stdout.write(text, 'latin1');
    if (text.includes('bye')) process.exit(7);
  });
  process.stderr.write('ready');`;

function proxied(server: string, options: { mostBytes?: number; signal?: AbortSignal } = {}, recorded = recording()) {
  const about = { content: false, failClosed: false, context: {}, actions: recorded.actions };
  const conversation = new Conversation(about);
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const { signal = new AbortController().signal, ...rest } = options;
  const end = proxyStdio({
    ...{
      command: process.execPath,
      args: ['-e', server],
      env: process.env,
      stdin,
      stdout,
      stderr,
      conversation,
      signal,
    },
    ...rest,
  });
  return { ...recorded, conversation, stdin, stdout, stderr, end };
}

describe('lines', () => {
  it('are those of the stream, however it is cut, and together all of its bytes', async () => {
    const bytes = fc
      .uint8Array({ maxLength: 60 })
      .map((all) => Buffer.from(all.map((byte) => (byte % 5 === 0 ? 10 : byte))));
    await fc.assert(
      fc.asyncProperty(fc.array(bytes), async (chunks) => {
        const stream = (async function* () {
          yield* chunks;
        })();
        const lines: Buffer[] = [];
        for await (const line of linesOf(stream, 10_000)) lines.push(Buffer.from(line));
        expect(Buffer.concat(lines)).toEqual(Buffer.concat(chunks));
        for (const line of lines.slice(0, -1)) expect(line.indexOf(10)).toBe(line.length - 1);
      }),
    );
  });

  it('may not be longer than is allowed', async () => {
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(100, 97);
    })();
    await expect(linesOf(endless, 1000).next()).rejects.toMatchObject({ code: 'record_too_large' });
  });
});

describe('a proxy over stdio', () => {
  it('passes every byte on in both directions, and the exit code', async () => {
    const { stdin, stdout, stderr, end } = proxied(ECHO);
    const sent = Buffer.from('{"a": 1}\r\n\xff\xfe no JSON\n\n{"method":"ping"}\nbye without a line feed', 'latin1');
    const back = stdout.toArray();
    stdin.write(sent.subarray(0, 11));
    stdin.end(sent.subarray(11));
    expect(await end).toEqual({ code: 7, signal: null });
    stdout.end();
    expect(Buffer.concat(await back)).toEqual(sent);
    stderr.end();
    expect(await text(stderr)).toBe('ready');
  });

  it('keeps the order of what waits and what need not', async () => {
    const { stdin, stdout, end } = proxied(ECHO, {}, recording({ sink: DEAF, logTimeout: 30 }));
    const lines = ['{"id":1,"method":"tools/call"}', '{"id":2,"method":"ping"}', '"bye"'].map((line) => `${line}\n`);
    stdin.end(lines.join(''));
    await end;
    stdout.end();
    expect(await text(stdout)).toBe(lines.join(''));
  });

  it('answers in place of the server what may not go on', async () => {
    const recorded = recording({ sink: DEAF, logTimeout: 5, failClosed: true });
    const { stdin, stdout, end } = proxied(ECHO, {}, recorded);
    stdin.end('{"id":1,"method":"tools/call"}\n"bye"\n');
    await end;
    stdout.end();
    const [refusal = '', rest] = (await text(stdout)).trimEnd().split('\n').sort().reverse();
    expect(JSON.parse(refusal)).toMatchObject({ id: 1, error: { code: -32_001 } });
    expect(rest).toBe('"bye"');
  });

  it('leaves a call without an outcome where the server is killed in it', async () => {
    const server = `process.stdin.once('data', () => process.kill(process.pid, 'SIGKILL'));`;
    const { stdin, end, events, conversation } = proxied(server);
    stdin.write('{"id":1,"method":"tools/call","params":{"name":"x"}}\n');
    expect(await end).toEqual({ code: null, signal: 'SIGKILL' });
    expect(events().map(({ type }) => type)).toEqual(['action.requested']);
    expect(conversation.unanswered).toBe(1);
  });

  it('ends the server when the user stops it', async () => {
    const stop = new AbortController();
    const { stdin, end, stderr } = proxied(ECHO, { signal: stop.signal });
    stdin.write('\n');
    stderr.once('data', () => stop.abort());
    expect(await end).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('ends the server rather than let a message pass that is too large to look at', async () => {
    const { stdin, end, stderr } = proxied(ECHO, { mostBytes: 100 });
    stdin.write(`"${'x'.repeat(200)}`);
    expect(await end).toEqual({ code: null, signal: 'SIGTERM' });
    stderr.end();
    expect(await text(stderr)).toContain('a message has more than 100 bytes');
  });

  it('says which server cannot be started', async () => {
    const about = { content: false, failClosed: false, context: {}, actions: recording().actions };
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const { signal } = new AbortController();
    const options = { stdin, stdout, stderr, signal, env: {}, args: [], conversation: new Conversation(about) };
    await expect(proxyStdio({ ...options, command: '/no/such' })).rejects.toMatchObject({ code: 'usage' });
  });
});
