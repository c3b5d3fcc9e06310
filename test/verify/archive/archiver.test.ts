import { sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { Ledger } from '../../../lib/ledger/ledger.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import type { Signer } from '../../../lib/store/ports.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { parseTrustedKeys, verifyArchive } from '../../../lib/verify/index.ts';
import { runs } from '../../runs.ts';
import { KEY, LOG, p256Key, START, type TestKey, TRAIL, UNSTATED } from '../archive-builder.ts';

/** The verifier and the real archiver have never met: each was written from the design alone. Here they do. */

const signerOf = ({ algorithm, privateKey, spki }: TestKey): Signer => ({
  algorithm,
  publicKey: async () => new Uint8Array(spki),
  sign: async (message) => new Uint8Array(sign(algorithm === 'ed25519' ? null : 'sha256', message, privateKey)),
});

const SEGMENT = { records: 150, bytes: 40_000 };
const DAY = 86_400_000;

/** A log of one trail, whose archiver can be killed. */
class World {
  readonly #keys: readonly TestKey[];
  #objects = new MemoryObjects();
  #table = new MemoryTable();
  now = START;
  size = 0;

  constructor(keys: readonly TestKey[]) {
    this.#keys = keys;
  }

  get #ledger(): Ledger {
    return new Ledger({ table: this.#table, signers: this.#keys.map(signerOf), logName: LOG, now: () => this.now });
  }

  async append(count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, at) => ({
      id: `e-${this.size + at}`,
      json: `{"id":"e-${this.size + at}","note":"${'x'.repeat((this.size + at) % 90)}","type":"data.read"}`,
    }));
    await this.#ledger.append({ trail: TRAIL, submitter: 'app', events });
    this.size += count;
  }

  async archive(how: 'run' | 'seal'): Promise<void> {
    const archiver = new Archiver({
      objects: this.#objects,
      table: this.#table,
      ledger: this.#ledger,
      segment: SEGMENT,
      now: () => this.now,
    });
    await (how === 'seal' ? archiver.seal(TRAIL) : archiver.run(TRAIL, { force: true }));
  }

  /** The process dies at its n-th write of an object, and another one takes over. */
  async die(how: 'run' | 'seal', nth: number): Promise<void> {
    this.#objects.faults.add({ effect: nth % 2 === 0 ? 'cut_before' : 'cut_after', nth });
    await this.archive(how).catch((error: unknown) => expect(error).toBeInstanceOf(SealtrailError));
    this.#objects = this.#objects.restarted();
    this.#table = this.#table.restarted();
  }

  async verify(): ReturnType<typeof verifyArchive> {
    const trust = parseTrustedKeys(this.#keys.map(({ pem }) => pem).join(''));
    return verifyArchive(this.#objects, { trust, segmentLimits: SEGMENT });
  }
}

describe.each([
  ['Ed25519', [KEY]],
  ['Ed25519 and P-256', [KEY, p256Key(4)]],
])('an archive written by the archiver and signed with %s', (_, keys) => {
  test.each([1, 255, 256, 257, 1000])('with %i records is ok, and all of it is covered', async (size) => {
    const world = new World(keys);
    for (let left = size; left > 0; left -= 90) {
      await world.append(Math.min(90, left));
      await world.archive('run');
      world.now += 7_000_000;
    }
    await world.archive('seal');
    expect(await world.verify()).toMatchObject({
      verdict: 'ok',
      problems: [],
      skipped: [UNSTATED],
      trails: [{ trail: TRAIL, covered: { from: 0, to: size }, records: size, newest: { size } }],
    });
  });

  test('through any history of appends, runs, seals and deaths, is never said to be damaged', async () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('append' as const), n: fc.integer({ min: 1, max: 220 }) }),
      fc.record({ what: fc.constantFrom('run' as const, 'seal' as const), n: fc.constant(0) }),
      fc.record({
        what: fc.constantFrom('die in run' as const, 'die in seal' as const),
        n: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ what: fc.constant('wait' as const), n: fc.integer({ min: 1, max: DAY }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const world = new World(keys);
        await world.append(1);
        await world.archive('run');
        for (const { what, n } of steps) {
          if (what === 'append') await world.append(n);
          else if (what === 'wait') world.now += n;
          else if (what === 'run' || what === 'seal') await world.archive(what);
          else await world.die(what === 'die in run' ? 'run' : 'seal', n);
          const report = await world.verify();
          expect(report.verdict, JSON.stringify(report.problems)).not.toBe('damaged');
          if (report.verdict === 'ok') expect(report.trails[0]?.covered.to).toBe(report.trails[0]?.newest?.size);
        }
        await world.archive('seal');
        expect(await world.verify()).toMatchObject({
          verdict: 'ok',
          trails: [{ covered: { from: 0, to: world.size } }],
        });
      }),
      runs(10),
    );
  });
});
