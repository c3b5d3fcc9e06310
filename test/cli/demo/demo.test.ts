import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Demo } from '../../../lib/cli/demo/demo.ts';
import { loadExamples } from '../../../lib/cli/demo/examples.ts';
import { eventsOf } from '../../../lib/cli/demo/github.ts';
import { Shell } from '../../../lib/cli/shell/shell.ts';
import { cli, Screen } from '../in-process.ts';
import { type Finished, run } from '../process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-demo-test-'));
const key = join(folder, 'keys', 'log.pem');
let demo: Finished;

beforeAll(async () => {
  demo = await run(['demo', '--folder', folder]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the demo', () => {
  it('comes to its end', () => {
    expect(demo.code).toBe(0);
    expect(demo.stdout.match(/^\d {2}.*$/gm)).toEqual([
      '1  A log of its own',
      '2  Real events, signed requests, receipts',
      '3  Questions',
      '4  One record, proven to a stranger',
      '5  The archive, verified by an auditor',
      '6  One byte changed',
      '7  Where to look next',
    ]);
  });

  it('sends all of the real webhooks, and keeps a receipt for each', () => {
    expect(demo.stdout).toMatch(/^329 webhooks that GitHub really sent/m);
    const receipts = readFileSync(join(folder, 'receipts.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(receipts.reduce((sum, receipt) => sum + receipt.count, 0)).toBe(329);
    expect(receipts.every((receipt) => receipt.sealed)).toBe(true);
  });

  it('leaves an archive that verifies, and a copy that does not, because of the record that it names', async () => {
    const [, seq = ''] = /record (\d+) of access now blames "(\w+)"/.exec(demo.stdout) ?? [];
    expect((await cli(['verify', join(folder, 'data', 'archive'), '--key', key])).code).toBe(0);
    const bad = await cli(['verify', join(folder, 'tampered'), '--key', key, '--json']);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout).problems).toEqual([expect.objectContaining({ trail: 'access', seq: Number(seq) })]);
    expect(demo.stdout).toContain(`\nproblems\nrecord_mismatch  access record ${seq}, access/tile/entries/000.p/64\n`);
    expect(demo.stdout).toContain(`It refuses (exit code 1), and names the record that was changed: ${seq} of access.`);
  });

  it('shows commands that do what it shows', async () => {
    const [, file = ''] = /\$ sealtrail verify-proof (\S+)/.exec(demo.stdout) ?? [];
    expect((await cli(['verify-proof', join(folder, file), '--key', key])).stdout).toMatch(
      /^ok {2}Record \d+ of trail access/,
    );
  });

  it('says where to look next, and names what exists', () => {
    expect(demo.stdout).toContain(`Everything is kept in ${folder}.`);
    const root = join(import.meta.dirname, '../../..');
    const named = [...new Set(demo.stdout.match(/\b(?:docs\/)?[\w-]+\.md\b/g))];
    expect(named).toHaveLength(4);
    for (const file of named) expect([file, existsSync(join(root, file))]).toEqual([file, true]);
  });

  it('can be read in a file: no line is wider than 100 columns but for those that hold its folder', () => {
    for (const line of demo.stdout.replaceAll(folder, '/tmp/x').split('\n'))
      expect(stringWidth(line)).toBeLessThanOrEqual(100);
  });
});

describe('a demo that does not come out as told', () => {
  it('does not end well: neither when the archive is refused, nor when the tampered one is accepted', async () => {
    const events = eventsOf(await loadExamples()).filter(({ trail }) => trail === 'access');
    const terminal = {
      stdin: Readable.from([]),
      stdout: new Screen(),
      stderr: new Screen(),
      env: {},
      signal: new AbortController().signal,
    };
    for (const [lie, message] of [
      [1, /^"sealtrail query .*" ended with 1, and 0 was due$/],
      [0, /^"sealtrail verify tampered .*" ended with 0, and 1 was due$/],
    ] as const) {
      const shell = new Shell(terminal, async () => lie);
      const other = mkdtempSync(join(tmpdir(), 'sealtrail-demo-test-'));
      const reason = { code: 'proof_mismatch', message: expect.stringMatching(message) };
      await expect(new Demo(shell, other, events).run()).rejects.toMatchObject(reason);
      rmSync(other, { recursive: true, force: true });
    }
  });
});
