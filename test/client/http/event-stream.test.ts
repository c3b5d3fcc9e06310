import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataOf, eventsOf } from '../../../lib/client/http/event-stream.ts';

async function events(chunks: Iterable<Buffer>, mostBytes = 10_000): Promise<Buffer[]> {
  const found: Buffer[] = [];
  const stream = (async function* () {
    yield* chunks;
  })();
  for await (const event of eventsOf(stream, mostBytes)) found.push(event);
  return found;
}

describe('server-sent events', () => {
  it('are cut at blank lines, whatever ends the lines and however the stream is cut', async () => {
    const pieces = [
      'data: {"a":"é"}\n\n',
      ': comment\r\n\r\n',
      'event: message\nid: 3\ndata: x\ndata: y\n\n',
      'data:z\r\r',
      'data: unfinished',
    ];
    const all = Buffer.from(pieces.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(all.length), { maxLength: 8 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), all.length];
        const found = await events(at.slice(1).map((end, i) => all.subarray(at[i], end)));
        expect(found.map(String)).toEqual(pieces);
      }),
    );
  });

  it('have the data of their lines', () => {
    expect(String(dataOf(Buffer.from('event: message\r\ndata: x\r\ndata:y\r\ndata\r\n\r\n')))).toBe('x\ny\n');
    expect(String(dataOf(Buffer.from(': ping\n\n')))).toBe('');
  });

  it('may not be longer than is allowed', async () => {
    await expect(events([Buffer.alloc(200, 97)], 100)).rejects.toMatchObject({ code: 'record_too_large' });
  });
});
