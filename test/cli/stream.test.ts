import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchJson } from '../../lib/forward/batch-json.ts';
import { verifierFromSpki } from '../../lib/log/note.ts';
import { ForwardedLog, LOG_NAME } from '../followers/forwarding/forwarded-log.ts';
import { cli } from './in-process.ts';

/** `sealtrail verify-stream`, as its user sees it. The checks themselves: test/verify/streams. */

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-stream-'));
const key = join(folder, 'log.vkey');
let bodies: readonly string[];

beforeAll(async () => {
  const log = new ForwardedLog();
  await log.append('orders', 9);
  await log.forwarder().run('orders');
  bodies = log.destination.taken.map(batchJson);
  const spki = await log.signer.publicKey();
  writeFileSync(key, `${verifierFromSpki(`${LOG_NAME}/orders`, spki).vkey}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function copy(lines: readonly string[]): string {
  const file = join(folder, 'copy.ndjson');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

const verify = (lines: readonly string[], ...args: readonly string[]) =>
  cli(['verify-stream', copy(lines), '--key', key, ...args]);

describe('sealtrail verify-stream', () => {
  it('says what is proven of a whole copy', async () => {
    const { code, stdout } = await verify(bodies);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /^ok 9 records of trail orders, numbers 0 to 8, none missing, none altered: 3 batches under a checkpoint of 9 records signed/,
    );
    expect(code).toBe(0);
    const told = JSON.parse((await verify(bodies, '--json')).stdout);
    expect(told).toMatchObject({
      ok: true,
      verdict: 'ok',
      trails: [{ trail: 'orders', from: 0, to: 9, findings: [] }],
    });
  });

  it('names what is missing, and exits with 1', async () => {
    const { code, stdout } = await verify(bodies.toSpliced(1, 1));
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/^wrong orders: missing: records 4 to 7 are missing\./);
    expect(code).toBe(1);
    expect(await verify(bodies.slice(0, -1))).toMatchObject({ code: 0 });
    expect(await verify(bodies.slice(0, -1), '--to', '8')).toMatchObject({ code: 1 });
    expect(await verify(bodies.slice(1), '--from', '0')).toMatchObject({ code: 1 });
  });

  it('takes repetitions and filters only where its user does', async () => {
    const twice = [...bodies, bodies[0] ?? ''];
    expect(await verify(twice)).toMatchObject({ code: 1 });
    expect(await verify(twice, '--repeats')).toMatchObject({ code: 0 });
    const filtered = bodies.map((body) => body.replace('"format"', '"filter":{"type":"*"},"format"'));
    const { code, stdout } = await verify(filtered);
    expect(stdout).toMatch(/^unproven/);
    expect(code).toBe(3);
    expect(await verify(filtered, '--filtered')).toMatchObject({ code: 0 });
  });

  it('cannot judge what is no copy', async () => {
    expect(await verify(['a line'])).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no forwarded') });
    expect(await cli(['verify-stream', join(folder, 'none'), '--key', key])).toMatchObject({ code: 2 });
    expect(await verify(bodies, '--from', '5', '--to', '3')).toMatchObject({ code: 2 });
  });
});
