import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosignaturesOf } from '../../lib/log/cosignature.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { openNote, parseNote } from '../../lib/log/note.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { parseLogList } from '../../lib/witness/log-list.ts';
import { Witness } from '../../lib/witness/witness.ts';
import { SubmittingLog } from './submitting-log.ts';

const vectors = JSON.parse(readFileSync(new URL('../vectors/witness/litewitness.json', import.meta.url), 'utf8'));
interface Run {
  readonly file: string;
  readonly logs: readonly { readonly origin: string; readonly vkey: string }[];
  readonly steps: readonly { readonly body: string; readonly status: number; readonly answer?: string }[];
}

const log = new SubmittingLog();
const NOW = 1_796_000_000;

function setUp(list = `logs/v0\nvkey ${log.vkey}\n`) {
  const table = new MemoryTable();
  const signer = new MemorySigner();
  const open = () =>
    new Witness({ table, signer, name: 'w.example/1', logs: async () => parseLogList(list), now: () => NOW * 1000 });
  return { table, signer, open, witness: open() };
}

describe('a witness, asked what litewitness is asked', () => {
  it.each<Run>(vectors.runs)('answers the same: $file', async ({ logs, steps }) => {
    const list = `logs/v0\n${logs.map(({ origin, vkey }) => `vkey ${vkey}\norigin ${origin}\n`).join('')}`;
    const { witness } = setUp(list);
    for (const { body, status, answer } of steps) {
      const answered = await witness.addCheckpoint(Buffer.from(body));
      // What Go's decoder lets pass as base64 is none here: one of these bodies has a signature with bits left over.
      const isOdd = answered.body.includes('not canonical base64');
      expect(answered, `${body}\n${answered.body}`).toMatchObject({ status: isOdd ? 400 : status });
      if (answer !== undefined) expect(answered).toMatchObject({ body: answer, type: 'text/x.tlog.size' });
      if (status === 200) expect(answered.body).toMatch(/^— w\.example\/1 [A-Za-z0-9+/=]+\n$/);
    }
  });
});

describe('a witness', () => {
  it('cosigns a tree that grows, and remembers it across restarts', async () => {
    const { witness, open } = setUp();
    const first = await witness.addCheckpoint(log.body(0, 3));
    expect(first).toMatchObject({ status: 200 });
    const again = await open().addCheckpoint(log.body(3, 8));
    expect(again.status).toBe(200);
    const cosigner = await witness.cosigner();
    const { text, signatures } = parseNote(log.note(8) + again.body);
    expect(cosignaturesOf(text, signatures, [cosigner])).toEqual([{ cosigner: expect.anything(), time: NOW }]);
    expect(await witness.addCheckpoint(log.body(3, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', body: '8\n' });
    expect(await open().addCheckpoint(log.body(8, 8))).toMatchObject({ status: 200 });
  });

  it('shows monitors what it cosigned last, with both signatures', async () => {
    const { witness } = setUp();
    const originHash = hash('sha256', log.origin, 'hex');
    expect(await witness.readCheckpoint(originHash)).toMatchObject({ status: 404 });
    expect(await witness.readCheckpoint('x')).toMatchObject({ status: 404 });
    const { body: line } = await witness.addCheckpoint(log.body(0, 3));
    // A log may send the lines along that it has; there is one of each witness.
    await witness.addCheckpoint(log.body(3, 3, [], log.note(3) + line));
    const { status, body } = await witness.readCheckpoint(originHash);
    expect(status).toBe(200);
    const { text, signatures } = parseNote(body);
    expect(text).toBe(log.text(3));
    expect(signatures).toHaveLength(2);
    expect(openNote(body, [log.key.verifier(log.origin)]).verified).toHaveLength(1);
    expect(cosignaturesOf(text, signatures, [await witness.cosigner()])).toHaveLength(1);
  });

  it.each([
    ['no old size', Buffer.from(`3\n\n${log.note(3)}`), 400],
    ['a padded old size', Buffer.from(`old 03\n\n${log.note(3)}`), 400],
    ['no note', Buffer.from('old 0\n'), 400],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), 400],
    ['a hash of 31 bytes', log.body(0, 3, [Buffer.alloc(31).toString('base64')]), 400],
    ['64 hashes', log.body(0, 3, Array(64).fill(Buffer.alloc(32).toString('base64'))), 400],
    ['an old size above the new one', log.body(4, 3, []), 400],
    ['another log', new SubmittingLog('log.example/other').body(0, 3), 404],
    ['another key', new SubmittingLog(log.origin, 2).body(0, 3), 403],
    ['a signature that does not hold', log.body(0, 3, [], log.note(3).replace(/.{8}\n$/, 'AAAAAAA=\n')), 403],
    ['a proof from the empty tree', log.body(0, 3, log.proof(1, 3)), 422],
    ['an old size that it does not have', log.body(2, 3), 409],
  ])('refuses %s', async (_what, body, status) => {
    const { witness } = setUp();
    expect(await witness.addCheckpoint(body)).toMatchObject({ status });
  });

  it('refuses an empty tree with another root, and another history', async () => {
    const { witness } = setUp();
    const { noteBy } = await import('../log/keys.ts');
    const lie = noteBy(log.key, log.origin, log.text(3).replace('\n3\n', '\n0\n'));
    expect(await witness.addCheckpoint(log.body(0, 0, [], lie))).toMatchObject({ status: 422 });
    await witness.addCheckpoint(log.body(0, 5));
    const fork = new SubmittingLog(log.origin, 1, 'another');
    expect(await witness.addCheckpoint(fork.body(5, 5))).toMatchObject({ status: 422 });
    expect(await witness.addCheckpoint(fork.body(5, 9))).toMatchObject({ status: 422 });
    expect(await witness.addCheckpoint(log.body(5, 9))).toMatchObject({ status: 200 });
  });

  it('cosigns one of two that come at once, and never less than it did', async () => {
    const { witness, open } = setUp();
    await witness.addCheckpoint(log.body(0, 3));
    const answers = await Promise.all([open().addCheckpoint(log.body(3, 8)), open().addCheckpoint(log.body(3, 5))]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const kept = answers[0].status === 200 ? 8 : 5;
    expect(answers.find(({ status }) => status === 409)?.body).toBe(`${kept}\n`);
  });

  it('shows no signature that it has not kept', async () => {
    const { witness, table, signer } = setUp();
    signer.failures.push(new SealtrailError('signer_unavailable', 'the key is away'));
    await expect(witness.addCheckpoint(log.body(0, 3))).rejects.toMatchObject({ code: 'signer_unavailable' });
    expect(await witness.addCheckpoint(log.body(0, 2))).toMatchObject({ status: 200 });
    await table.close();
    await expect(witness.addCheckpoint(log.body(2, 3))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('answers whatever it is sent', async () => {
    const { witness } = setUp();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.string().map((text) => Buffer.from(`old 0\n\n${text}`)),
        ),
        async (body) => {
          expect([400, 404]).toContain((await witness.addCheckpoint(body)).status);
        },
      ),
    );
  });
});

describe('a list of logs', () => {
  it('has keys under the names of their logs', () => {
    const second = log.key.verifier('other.example').vkey;
    const list = parseLogList(
      `# ours\nlogs/v0\n\nvkey ${log.vkey}\nqpd 24\ncontact a@b\nvkey ${second}\norigin go.sum database tree\n`,
    );
    expect([...list.keys()]).toEqual([log.origin, 'go.sum database tree']);
    expect(parseLogList('')).toEqual(new Map());
  });

  it.each([
    ['vkey x\n', 'line 1 of the list of logs: a list of logs begins with the line logs/v0'],
    ['logs/v0\nvkey x\n', 'line 2 of the list of logs: a vkey has the form'],
    ['logs/v0\norigin x\n', 'a line origin follows a line vkey'],
    ['logs/v0\nvkey\n', 'a line is vkey, origin, qpd or contact'],
  ])('is refused, saying where and why: %j', (text, message) => {
    expect(() => parseLogList(text)).toThrow(message);
  });
});
