import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, gather, readEvents } from '../../../lib/cli/upload/input.ts';

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** What was yielded before the error, and the error. */
async function until(items: AsyncIterable<{ json: string }>): Promise<{ before: string[]; error: unknown }> {
  const before: string[] = [];
  try {
    for await (const item of items) before.push(item.json);
  } catch (error) {
    return { before, error };
  }
  throw new Error('the input was read to its end');
}

const read = async (text: string): Promise<[string, string][]> =>
  (await all(readEvents(chunks(text)))).map(({ where, json }) => [where, json]);

describe('reading events', () => {
  it('takes NDJSON, one event a line, and says which line', async () => {
    expect(await read('{"type":"a.b"}\n\n  {"type":"c.d"}\r\n{"type":"e.f"}')).toEqual([
      ['line 1', '{"type":"a.b"}'],
      ['line 3', '{"type":"c.d"}'],
      ['line 4', '{"type":"e.f"}'],
    ]);
  });

  it('takes one JSON array', async () => {
    expect(await read(' [ {"type":"a.b","details":{"x":["]",{}]}} ,\n{"type":"c\\"]"}\n]\n')).toEqual([
      ['item 1', '{"type":"a.b","details":{"x":["]",{}]}}'],
      ['item 2', '{"type":"c\\"]"}'],
    ]);
    expect(await read('[]')).toEqual([]);
  });

  it('takes one event spread over lines', async () => {
    expect(await read('{\n  "type": "a.b"\n}\n')).toEqual([['the event', '{\n  "type": "a.b"\n}']]);
  });

  it('takes nothing from nothing', async () => {
    expect(await read('')).toEqual([]);
    expect(await read(' \n\n ')).toEqual([]);
  });

  it('passes on the bytes as they were written, so that the server sees what JSON.parse would have lost', async () => {
    const json = '{"a":1,"a":2,"n":9007199254740993}';
    expect(await read(json)).toEqual([['line 1', json]]);
  });

  it('ignores a byte order mark, even one that arrives byte by byte', async () => {
    const found = await all(
      readEvents(
        chunks(
          new Uint8Array([0xef]),
          new Uint8Array([0xbb]),
          '\ufeff'.slice(1),
          new Uint8Array([0xbf]),
          '{"type":"a.b"}',
        ),
      ),
    );
    expect(found.map((one) => one.json)).toEqual(['{"type":"a.b"}']);
  });

  it('reads the same whatever way the input is cut into chunks', async () => {
    const events = fc.array(
      fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'grapheme' }), fc.array(fc.string()))),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 40 }), fc.boolean(), async (list, size, asArray) => {
        const bytes = Buffer.from(asArray ? JSON.stringify(list) : list.map((one) => JSON.stringify(one)).join('\n'));
        const parts: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
        const found = await all(readEvents(chunks(...parts)));
        expect(found.map((one) => JSON.parse(one.json))).toEqual(list);
      }),
    );
  });
});

describe('bad input', () => {
  it.each([
    ['a broken line', '{"type":"a.b"}\n{"type":\n', 'invalid_json', /^line 2 is not JSON: /, 1],
    ['a broken first line', '{"type":\n{"type":"a.b"}\n', 'invalid_json', /^line 1 is not JSON: /, 0],
    [
      'a line that is no object',
      '{"type":"a.b"}\n42\n',
      'invalid_event',
      /^line 2 is not an event: expected a JSON object$/,
      1,
    ],
    ['an array within lines', '{"type":"a.b"}\n[]\n', 'invalid_event', /^line 2 is not an event/, 1],
    ['an item that is no object', '[{"type":"a.b"},"x"]', 'invalid_event', /^item 2 is not an event/, 1],
    ['a comma too many', '[{"type":"a.b"},]', 'invalid_json', /^item 2 is not JSON: /, 1],
    [
      'an array without end',
      '[{"type":"a.b"},{"type":"c',
      'invalid_json',
      /^item 2: the input ends before the array does$/,
      1,
    ],
    [
      'something after the array',
      '[{"type":"a.b"}] {}',
      'invalid_json',
      /^there is more after the end of the array$/,
      1,
    ],
    ['a bracket after the array', '[{"type":"a.b"}]]', 'invalid_json', /^there is more after the end of the array$/, 1],
    ['a brace too many', '[{"type":"a.b"}},{"type":"c.d"}]', 'invalid_json', /^item 1 is not JSON: /, 0],
    ['a string without end', '[{"type":"a.b"},{"type":"c,]\\', 'invalid_json', /^item 2: the input ends/, 1],
    ['text that is no JSON at all', 'hello\nworld\n', 'invalid_json', /^line 1 is not JSON: /, 0],
  ])('%s is named with its place, after the events before it', async (_, text, code, message, before) => {
    const result = await until(readEvents(chunks(text)));
    expect(result.before).toHaveLength(before);
    expect(result.error).toMatchObject({ name: 'SealtrailError', code, message: expect.stringMatching(message) });
  });

  it('that is not UTF-8 is refused, not repaired', async () => {
    const result = await until(readEvents(chunks('{"type":"a.b"}\n{"type":"', new Uint8Array([0xff]), '"}\n')));
    expect(result.error).toMatchObject({ code: 'invalid_json', message: 'line 2 is not valid UTF-8' });
  });

  it('without line ends does not fill memory', async () => {
    let served = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"type":"a.b"}\n{"x":"');
      for (;;) {
        served++;
        yield Buffer.alloc(65_536, 0x61);
      }
    }
    const result = await until(readEvents(endless()));
    expect(result.error).toMatchObject({
      code: 'record_too_large',
      message: expect.stringMatching(/^line 2 is longer than 1 MB/),
    });
    expect(served).toBeLessThan(20);
  });

  it('of one item without end does not fill memory either, nor stop the process', async () => {
    let served = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('[{"type":"a.b"},{"x":"');
      for (;;) {
        served++;
        yield Buffer.alloc(65_536, served % 2 === 0 ? 0x5c : 0x61);
      }
    }
    const result = await until(readEvents(endless()));
    expect(result.before).toEqual(['{"type":"a.b"}']);
    expect(result.error).toMatchObject({ code: 'record_too_large' });
    expect(served).toBeLessThan(20);
  });
});

describe('batches', () => {
  const limits = { maxEvents: 3, maxBytes: 1000, linger: 10_000 };
  const sizes = (batches: readonly Batch[]): number[] => batches.map((batch) => batch.events.length);

  it('hold at most so many events, in the order they came', async () => {
    const input = Array.from({ length: 7 }, (_, i) => `{"n":${i}}`).join('\n');
    const batches = await all(gather(readEvents(chunks(input)), limits));
    expect(sizes(batches)).toEqual([3, 3, 1]);
    expect(batches.flatMap((batch) => batch.events.map((one) => one.where))).toEqual(
      Array.from({ length: 7 }, (_, i) => `line ${i + 1}`),
    );
  });

  it('hold at most so many bytes, except for an event that is longer alone', async () => {
    const long = `{"x":"${'a'.repeat(1200)}"}`;
    const short = `{"x":"${'a'.repeat(500)}"}`;
    expect(sizes(await all(gather(readEvents(chunks([short, short, long, short].join('\n'))), limits)))).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it('are sent before an error in the input is reported', async () => {
    const batches: Batch[] = [];
    const reading = (async () => {
      for await (const batch of gather(readEvents(chunks('{"n":0}\n{"n":1}\nbroken\n{"n":3}')), limits))
        batches.push(batch);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'invalid_json',
      message: expect.stringMatching(/^line 3 is not JSON/),
    });
    expect(sizes(batches)).toEqual([2]);
  });

  it('do not wait to be full while a live pipe is quiet', async () => {
    const quiet = Promise.withResolvers<void>();
    async function* live(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"n":0}\n');
      await quiet.promise;
      yield Buffer.from('{"n":1}\n');
    }
    const batches = gather(readEvents(live()), { ...limits, linger: 1 });
    expect((await batches.next()).value).toMatchObject({ events: [{ json: '{"n":0}' }] });
    quiet.resolve();
    expect((await batches.next()).value).toMatchObject({ events: [{ json: '{"n":1}' }] });
    expect((await batches.next()).done).toBe(true);
  });
});
