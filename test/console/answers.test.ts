import { cp, mkdtemp } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemResponse } from '../../lib/api/core/problem.ts';
import { Api } from '../../lib/console/data/api.ts';
import { Memory } from '../../lib/console/data/memory.ts';
import { MergedRows } from '../../lib/console/data/merged.ts';
import type { Chip, Period } from '../../lib/console/data/question.ts';
import { Refused } from '../../lib/console/data/refused.ts';
import type { Row } from '../../lib/console/data/rows.ts';
import { TrailSource } from '../../lib/console/data/trail-source.ts';
import { parseTrustedKeys, type TrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { append, ordinaryEvents, type ServedConsoleLog, servedLog } from './log.ts';

/** What the page takes from a log: each answer is checked, and a log that lies is refused with the evidence. */

type Change = (answer: string, path: string) => string;

/** The log as the page reaches it, with someone in between who may change what it says. */
class Between {
  log: ServedConsoleLog;
  change: Change = (answer) => answer;
  /** Turns a question into another. */
  redirect: (url: URL) => URL = (url) => url;
  readonly #server: Server;

  constructor(log: ServedConsoleLog) {
    this.log = log;
    this.#server = createServer(async (request, response) => {
      const { pathname, searchParams } = this.redirect(new URL(request.url ?? '', 'http://log'));
      const query: Record<string, string[]> = {};
      for (const [name, value] of searchParams) query[name] = [...(query[name] ?? []), value];
      try {
        const { headers, text } = await this.log.http.send({ path: pathname, query });
        response.writeHead(200, Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-'))));
        response.end(this.change(text(), pathname));
      } catch (error) {
        const { status, body } = problemResponse(error, 'between');
        response.writeHead(status).end(body);
      }
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let served: ServedConsoleLog;
let between: Between;
let api: Api;
let trust: TrustedKeys;

beforeAll(async () => {
  served = await servedLog();
  await append(served.http, 'orders', ordinaryEvents());
  await append(served.http, 'payments', ordinaryEvents().slice(0, 250));
  await append(served.http, 'orders', ordinaryEvents().slice(0, 30));
  trust = parseTrustedKeys(await served.keys());
  between = new Between(served);
  api = new Api(await between.listen());
});
afterAll(async () => {
  between.close();
  await served.close();
});

const honest = () => {
  between.log = served;
  between.change = (answer) => answer;
  between.redirect = (url) => url;
};
const memory = () => new Memory(undefined);
const source = (trail: string, chips: readonly Chip[] = [], period: Period = {}, kept = memory(), keys = trust) =>
  new TrailSource(api, trail, chips, period, { trust: keys, memory: kept });

async function all(from: { readonly isDone: boolean; next(): Promise<Row[]> }): Promise<Row[]> {
  const rows: Row[] = [];
  while (!from.isDone) rows.push(...(await from.next()));
  return rows;
}

const linesOf = async (trail: string, query: Record<string, string | readonly string[]>) =>
  (await served.http.send({ path: `/v1/trails/${trail}/events`, query: { ...query, format: 'ndjson', limit: 1000 } }))
    .text()
    .split('\n')
    .filter((line) => line !== '');

describe('an honest log', () => {
  it.each([
    [[]],
    [[{ name: 'type', value: 'auth.*' }]],
    [[{ name: 'actor', value: 'alice@example.com' }]],
    [[{ name: 'severity', value: 'warning' }]],
    [[{ name: 'notTenant', value: 'acme' }]],
    [[{ name: 'seq', value: '100..150' }]],
    [[{ name: 'where', value: 'details.amount > 300' }]],
    [[{ name: 'type', value: 'LOGIN_FAILED' }]],
    [[{ name: 'actor', value: 'nobody' }]],
  ] as const)('is shown as it answers, every row checked: %j', async (chips) => {
    honest();
    const from = source('orders', chips);
    const rows = await all(from);
    const query = Object.fromEntries(chips.map(({ name, value }) => [name, value]));
    expect(rows.map(({ line }) => line)).toEqual(await linesOf('orders', query));
    expect(rows.every((row) => row.trust === 'checked')).toBe(true);
    expect(from.standing).toMatchObject({ state: 'checked', isWhole: true });
  });

  it('is merged from several trails, newest first, none twice', async () => {
    honest();
    const merged = new MergedRows([source('orders'), source('payments')]);
    const rows = await all(merged);
    expect(rows.length).toBe(700 + 0 * rows.length);
    expect(new Set(rows.map(({ trail, seq }) => `${trail}/${seq}`)).size).toBe(rows.length);
    for (const [at, row] of rows.slice(1).entries())
      expect(row.receivedAt).toBeLessThanOrEqual(rows[at]?.receivedAt ?? 0);
  });

  it('is shown without a key too, and nothing of it is called checked', async () => {
    honest();
    const from = source('orders', [], {}, memory(), []);
    const rows = await all(from);
    expect(rows.length).toBeGreaterThan(400);
    expect(rows.every((row) => row.trust === 'unchecked')).toBe(true);
    expect(from.standing).toMatchObject({ state: 'unchecked', why: 'no key is pinned' });
  });

  it('is seen to grow', async () => {
    honest();
    const kept = memory();
    const first = source('payments', [], {}, kept);
    await all(first);
    expect(first.standing.growth).toEqual({ is: 'first' });
    await append(served.http, 'payments', [{ type: 'auth.login' }]);
    const second = source('payments', [], {}, kept);
    await all(second);
    expect(second.standing.growth).toMatchObject({ is: 'grown' });
  });
});

describe('a log that lies', () => {
  interface Answer {
    readonly proof: { readonly matches: number[]; readonly records: string[]; checkpoint: string };
    more?: boolean;
    cursor?: string;
  }
  const json = (change: (answer: Answer) => void): Change => {
    return (text, path) => {
      if (!path.endsWith('/events')) return text;
      const answer = JSON.parse(text);
      change(answer);
      return JSON.stringify(answer);
    };
  };
  const lies: readonly (readonly [string, Change])[] = [
    ['about a record', (text) => text.replace('auth.login\\"', 'auth.lagin\\"')],
    [
      'by leaving a record out',
      json(({ proof }) => {
        proof.matches.splice(3, 1);
        proof.records.splice(3, 1);
      }),
    ],
    [
      'by calling a record no match',
      json(({ proof }) => {
        proof.matches.splice(3, 1);
      }),
    ],
    [
      'about the signature',
      json(({ proof }) => {
        proof.checkpoint = proof.checkpoint.replace(/.{6}\n$/, 'AAAAA=\n');
      }),
    ],
    [
      'by saying that there is no more',
      json((answer) => {
        answer.more = false;
        delete answer.cursor;
      }),
    ],
  ];
  it.each(lies)('is refused, with the evidence: %s', async (_, change) => {
    honest();
    between.change = change;
    const refused = await all(source('orders')).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(Refused);
    expect((refused as Refused).evidence).toMatchObject({ trail: 'orders', answer: { proof: {} } });
  });

  it.each([
    ['another filter', (url: URL) => url.searchParams.append('tenant', 'globex')],
    ['no filter', (url: URL) => url.searchParams.delete('type')],
    ['another period', (url: URL) => url.searchParams.set('to', String(Date.now() - 86_400_000))],
    ['other records', (url: URL) => url.searchParams.set('seq', '0..9')],
  ])('is refused where it answers another question: %s', async (_, turn) => {
    honest();
    between.redirect = (url) => {
      if (url.pathname.endsWith('/events')) turn(url);
      return url;
    };
    await expect(all(source('orders', [{ name: 'type', value: 'auth.*' }]))).rejects.toBeInstanceOf(Refused);
  });

  it('is refused where it skips a page', async () => {
    honest();
    let skipped: string | undefined;
    between.redirect = (url) => {
      const cursor = url.searchParams.get('cursor');
      if (cursor !== null && skipped !== undefined) url.searchParams.set('cursor', skipped);
      return url;
    };
    const first = source('orders');
    await first.next();
    const second = source('orders');
    await second.next();
    await second.next();
    between.change = (text, path) => {
      if (path.endsWith('/events')) skipped = JSON.parse(text).cursor;
      return text;
    };
    // The cursor of the second page, given to who asks for it with that of the first.
    await expect(
      (async () => {
        const liar = source('orders');
        await liar.next();
        await liar.next();
        between.redirect = (url) => {
          url.searchParams.delete('cursor');
          return url;
        };
        await liar.next();
      })(),
    ).rejects.toBeInstanceOf(Refused);
  });
});

describe('a log that was forked or rolled back', () => {
  it('is refused by a browser that saw the other history', async () => {
    honest();
    const before = await servedLog();
    await append(before.http, 'orders', ordinaryEvents().slice(0, 10));
    const keys = parseTrustedKeys(await before.keys());
    await before.close();
    const aside = join(await mkdtemp(join(tmpdir(), 'sealtrail-fork-')), 'data');
    await cp(before.dir, aside, { recursive: true });
    const kept = memory();
    const read = (keyed = keys) => all(source('orders', [], {}, kept, keyed));
    const one = await servedLog(before.dir);
    await append(one.http, 'orders', [{ type: 'auth.login' }, { type: 'auth.logout' }]);
    between.log = one;
    await read();
    await one.close();
    const other = await servedLog(aside);
    try {
      between.log = other;
      // Rolled back: the checkpoint of twelve records is gone.
      await expect(read()).rejects.toThrow(/rolled back/);
      // Forked: as many records, and others.
      await append(other.http, 'orders', [{ type: 'data.delete' }, { type: 'data.delete' }]);
      await expect(read()).rejects.toThrow(/another history/);
      await append(other.http, 'orders', [{ type: 'data.delete' }]);
      await expect(read()).rejects.toThrow(/another history|rolled back/);
    } finally {
      await other.close();
    }
  });
});
