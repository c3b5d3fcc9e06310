import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Embedded } from '../../lib/server/embedded.ts';
import { ask } from '../query/fixture.ts';
import { temporaryFolder } from '../store/temporary.ts';

/**
 * The promise: when records get a second format, what was written in the first is read, proven and archived as it always was, and this
 * version refuses the second by name. The version to come is this one with one more row in its table of record formats: `via`, a
 * member that stands before `v`.
 */

const FORMATS = '../../lib/log/record-format.ts';
const TRAIL = 'orders';

/** The modules of one version of the program. */
async function load() {
  const { openEmbedded } = await import('../../lib/server/embedded.ts');
  const { FolderObjects } = await import('../../lib/store/folder/objects.ts');
  const { verifyArchive } = await import('../../lib/verify/archive/verify-archive.ts');
  const { parseTrustedKeys } = await import('../../lib/verify/evidence/trust.ts');
  return { openEmbedded, FolderObjects, verifyArchive, parseTrustedKeys };
}
type Version = Awaited<ReturnType<typeof load>>;

const thisVersion = (): Promise<Version> => {
  vi.doUnmock(FORMATS);
  vi.resetModules();
  return load();
};

function nextVersion(): Promise<Version> {
  vi.resetModules();
  vi.doMock(FORMATS, async (original) => {
    const now = await original<typeof import('../../lib/log/record-format.ts')>();
    const members = 'event,prev,receivedAt,seq,submitter,trail,v,via';
    const line: (typeof now.RECORD_LINES)[1] = (envelope, eventJson) =>
      now.RECORD_LINES[1](envelope, eventJson).replace(/"v":1}$/, '"v":2,"via":"http"}');
    return {
      ...now,
      RECORD_FORMATS: { ...now.RECORD_FORMATS, 2: members },
      RECORD_LINES: { ...now.RECORD_LINES, 2: line },
      RECORD_VERSIONS: [1, 2],
      RECORD_VERSION: 2,
      isRecordVersion: (v: unknown) => v === 1 || v === 2,
    };
  });
  return load();
}

afterEach(() => {
  vi.doUnmock(FORMATS);
  vi.resetModules();
});

async function using<T>(
  version: Version,
  dir: string,
  run: (log: Embedded, wrong: unknown[]) => Promise<T>,
): Promise<T> {
  const wrong: unknown[] = [];
  const log = await version.openEmbedded(dir, { onError: (error) => wrong.push(error) });
  try {
    return await run(log, wrong);
  } finally {
    await log.close();
  }
}

let made = 0;
async function append({ ledger }: Embedded, count: number): Promise<void> {
  const events = Array.from({ length: count }, () => {
    const id = `e-${made++}`;
    return { id, json: `{"actor":{"id":"alice"},"id":"${id}","severity":"info","type":"auth.login"}` };
  });
  await ledger.append({ trail: TRAIL, submitter: 'shop', events });
}

async function lines({ ledger }: Embedded, to: number): Promise<string[]> {
  const blocks = await Array.fromAsync(ledger.blocks(TRAIL, { from: 0, to }));
  return blocks.flatMap((block) => block.lines);
}

const vOf = (line = '{}'): unknown => JSON.parse(line).v;

async function verdict({ FolderObjects, verifyArchive, parseTrustedKeys }: Version, dir: string, vkeys: string[]) {
  const objects = await FolderObjects.open(join(dir, 'archive'));
  try {
    const trust = parseTrustedKeys(vkeys.join('\n'));
    const { verdict, problems } = await verifyArchive(objects, { trust, trails: [TRAIL] });
    return { verdict, problems };
  } finally {
    await objects.close();
  }
}

describe('a second format of records', () => {
  it('leaves what was written in the first as it was, and is refused by a version that does not know it', async () => {
    const dir = join(await temporaryFolder(), 'data');
    const now = await thisVersion();
    const before = await using(now, dir, async (log, wrong) => {
      await append(log, 3);
      await append(log, 20);
      await log.archiver.seal(TRAIL);
      // Committed in the first format, and left for the next version to archive.
      await append(log, 4);
      expect(wrong).toEqual([]);
      return lines(log, 27);
    });

    const next = await nextVersion();
    const after = await using(next, dir, async (log, wrong) => {
      expect(await lines(log, 27)).toEqual(before);
      expect(await log.ledger.record(TRAIL, 14)).toBe(before[14]);
      await log.archiver.seal(TRAIL);
      await append(log, 12);
      const all = await lines(log, 39);
      expect(all.map(vOf)).toEqual([...Array(27).fill(1), ...Array(12).fill(2)]);
      expect(all.slice(0, 27)).toEqual(before);
      expect(await log.ledger.record(TRAIL, 38)).toBe(all[38]);
      const { matches } = await log.queries.page(TRAIL, ask({ actor: ['alice'] }));
      expect(matches.map(({ line }) => line).reverse()).toEqual(all);
      expect((await log.verifier.verify(TRAIL, 'full')).problems).toEqual([]);
      await log.archiver.seal(TRAIL);
      expect(wrong).toEqual([]);
      const vkeys = (await log.ledger.verifiers(TRAIL)).map(({ vkey }) => vkey);
      expect(await verdict(next, dir, vkeys)).toEqual({ verdict: 'ok', problems: [] });
      return { all, vkeys };
    });

    const again = await thisVersion();
    await using(again, dir, async (log) => {
      const newer = {
        code: 'unavailable',
        message: expect.stringMatching(/written by a newer version.*records of format 2/),
      };
      await expect(append(log, 1)).rejects.toMatchObject(newer);
      await expect(lines(log, 39)).rejects.toMatchObject(newer);
      // Not called damaged, and never called ok.
      const { verdict, problems } = await log.verifier.verify(TRAIL, 'full');
      expect(verdict).toBe('damaged');
      expect(problems.map(({ message }) => message).join('\n')).toContain('was written by a newer version');
    });
    expect(after.all).toHaveLength(39);
    const { verdict: archived, problems } = await verdict(again, dir, after.vkeys);
    expect(archived).not.toBe('ok');
    expect(problems.map(({ message }) => message).join('\n')).toContain('this one needs a newer program');
  });
});
