import { describe, expect, test } from 'vitest';
import {
  exitCodeOf,
  parseTrustedKeys,
  type Report,
  type VerifyOptions,
  verifyArchive,
} from '../../../lib/verify/index.ts';
import {
  type Archive,
  buildTrail,
  copyOf,
  ed25519Key,
  KEY,
  keyIdOf,
  LOG,
  noteOf,
  objectsOf,
  p256Key,
  TRAIL,
  type TrailPlan,
  vkeyOf,
} from '../archive-builder.ts';

const ORIGIN = `${LOG}/${TRAIL}`;
const trust = parseTrustedKeys(KEY.pem);

async function verify(archive: Archive, options: Partial<VerifyOptions> = {}): Promise<Report> {
  return verifyArchive(await objectsOf(archive), { trust, ...options });
}

const kinds = ({ problems }: Report): string[] => problems.map(({ kind }) => kind);

describe('a checkpoint that the auditor kept', () => {
  const plan: TrailPlan = { runs: [100, 300, 600], seals: [100, 600] };
  const { archive } = buildTrail(plan);
  const keep = (name: string, size: number): { name: string; note: Buffer } => ({
    name,
    note: archive.get(`${TRAIL}/checkpoints/${size}`) ?? expect.fail('there is no such checkpoint'),
  });
  const forged = (line: string, at: number): string => (at === 250 ? line.replace('user-', 'evil-') : line);

  test('is extended by a log that only grew', async () => {
    const report = await verify(archive, { previous: [keep('monday', 100), keep('friday', 600)] });
    expect(report.previous).toEqual([
      { name: 'monday', origin: ORIGIN, size: 100, verdict: 'ok' },
      { name: 'friday', origin: ORIGIN, size: 600, verdict: 'ok' },
    ]);
    expect(report.verdict).toBe('ok');
  });

  test('shows that history was rewritten, by someone who holds the key: the archive itself is consistent', async () => {
    const rewritten = buildTrail({ ...plan, rewrite: forged }).archive;
    expect((await verify(rewritten)).verdict).toBe('ok');
    const report = await verify(rewritten, { previous: [keep('monday', 100), keep('tuesday', 300)] });
    expect(report.previous.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['monday', 'ok'],
      ['tuesday', 'damaged'],
    ]);
    expect(report).toMatchObject({
      verdict: 'damaged',
      problems: [{ kind: 'history_rewritten', trail: TRAIL, object: 'tuesday', seq: 100, lastSeq: 299 }],
    });
  });

  test('shows a roll-back, even to a state that was sealed once', async () => {
    const earlier = buildTrail({ runs: [100], seals: [100] }).archive;
    expect((await verify(earlier)).verdict).toBe('ok');
    const report = await verify(earlier, { previous: [keep('tuesday', 300)] });
    expect(report).toMatchObject({
      verdict: 'damaged',
      previous: [{ name: 'tuesday', size: 300, verdict: 'damaged' }],
      problems: [
        {
          kind: 'rolled_back',
          object: 'tuesday',
          message:
            'the trail had 300 records, and the archive proves 100; what was signed within the last minute may not be archived yet',
        },
      ],
    });
  });

  test('shows that the whole trail is gone', async () => {
    const other = buildTrail({ trail: 'payments', runs: [5], seals: [5] }).archive;
    for (const rest of [other, new Map()]) {
      const report = await verify(rest, { previous: [keep('monday', 100)] });
      expect(report.problems).toMatchObject([
        { kind: 'rolled_back', trail: TRAIL, message: 'the trail orders had 100 records, and is not in the archive' },
      ]);
      expect(report.verdict).toBe('damaged');
    }
  });

  test.each([
    ['signed by no one we trust', noteOf(ORIGIN, 100, Buffer.alloc(32, 1), [ed25519Key(99)]), 'unknown_key'],
    ['of another log', noteOf(`other.example.com/${TRAIL}`, 100, Buffer.alloc(32, 1), [KEY]), 'wrong_origin'],
    ['that is none', Buffer.from('hello'), 'malformed_checkpoint'],
    [
      'with an impossible origin',
      Buffer.from(String(noteOf(ORIGIN, 100, Buffer.alloc(32, 1), [KEY])).replace(ORIGIN, 'a b/orders')),
      'wrong_origin',
    ],
    ['with a broken signature', Buffer.from(String(keep('', 100).note).replace('\n100\n', '\n101\n')), 'bad_signature'],
  ])('%s proves nothing, and the verdict is not ok', async (_, note, kind) => {
    const report = await verify(archive, { previous: [{ name: 'kept', note }] });
    expect(report).toMatchObject({ verdict: 'damaged', previous: [{ name: 'kept', verdict: 'incomplete' }] });
    expect(kinds(report)).toEqual([kind]);
    expect(report.trails.map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  test('cannot be compared with half a log, nor with trails that were not asked for', async () => {
    const previous = [keep('monday', 100)];
    await expect(verify(archive, { previous, trails: [TRAIL], range: { from: 0 } })).rejects.toMatchObject({
      code: 'usage',
      message: 'a kept checkpoint is compared with a whole trail, not a range',
    });
    await expect(verify(archive, { previous, trails: ['payments'] })).rejects.toMatchObject({
      code: 'usage',
      message: 'monday is of the trail orders, which was not asked for',
    });
  });
});

describe('whom the auditor trusts', () => {
  const [first, second] = [ed25519Key(21), p256Key(22)];
  /** The second key signs alongside from 300 on, and alone after 500. */
  const rotated = buildTrail({
    runs: [100, 300, 500, 700],
    seals: [100, 700],
    keys: (size) => (size < 300 ? [first] : size <= 500 ? [first, second] : [second]),
  }).archive;
  const lines = (...keys: readonly string[]): VerifyOptions['trust'] => parseTrustedKeys(keys.join('\n'));
  const [old, young] = [vkeyOf(ORIGIN, first), vkeyOf(ORIGIN, second)];

  test('both keys, each in its time: a rotation is ok', async () => {
    const report = await verify(rotated, { trust: lines(`${old} to=500`, `${young} from=300`) });
    expect(report).toMatchObject({ verdict: 'ok', logName: LOG, logNameFrom: 'keys' });
    expect(report.keys).toMatchObject([
      { name: ORIGIN, keyId: keyIdOf(ORIGIN, first), algorithm: 'ed25519', trusted: true, to: 500, signed: 3 },
      { name: ORIGIN, keyId: keyIdOf(ORIGIN, second), algorithm: 'ecdsa-p256', trusted: true, from: 300, signed: 3 },
    ]);
  });

  test('a key that signs after its end, even beside one that may', async () => {
    const report = await verify(rotated, { trust: lines(`${old} to=400`, young) });
    expect(report.verdict).toBe('damaged');
    expect(report.problems).toEqual([
      {
        kind: 'retired_key',
        trail: TRAIL,
        object: `${TRAIL}/checkpoints/500`,
        message: `the key ${keyIdOf(ORIGIN, first)} signed a checkpoint of size 500, after its end`,
      },
    ]);
  });

  test('only the old key: what the new one signed alone is by no one that is trusted', async () => {
    const report = await verify(rotated, { trust: lines(old) });
    expect(report.problemCounts).toEqual({ unknown_key: 2, beyond_checkpoint: 6 });
    expect(report.problems).toContainEqual(expect.objectContaining({ object: `${TRAIL}/checkpoints/700` }));
    expect(report.trails[0]?.covered).toEqual({ from: 0, to: 500 });
    expect(report.keys.map(({ trusted }) => trusted)).toEqual([true, false]);
  });

  test('a key before its time does not count', async () => {
    const report = await verify(rotated, { trust: lines(`${old} from=200`, young) });
    expect(kinds(report)).toEqual(['unknown_key']);
  });

  test('a key of the archive that is not trusted must sign properly all the same', async () => {
    const broken = copyOf(rotated);
    const object = `${TRAIL}/checkpoints/500`;
    const note = String(rotated.get(object)).split('\n');
    const text = note.findLast((line) => line.startsWith('— ')) ?? '';
    broken.set(
      object,
      Buffer.from(note.map((line) => (line === text ? `${line.slice(0, -6)}AAAA${line.slice(-2)}` : line)).join('\n')),
    );
    const report = await verify(broken, { trust: lines(old) });
    expect(kinds(report)).toContain('bad_signature');
  });

  test('a key with the ID and name of a trusted one does not stand in for it', async () => {
    const { archive } = buildTrail({ runs: [10], seals: [10], keys: [first] });
    const id = keyIdOf(ORIGIN, first);
    archive.set(`keys/${id}.vkey`, Buffer.from(`${ORIGIN}+${id}+${vkeyOf(ORIGIN, ed25519Key(23)).split('+')[2]}\n`));
    const report = await verify(archive, { trust: lines(vkeyOf(ORIGIN, first)) });
    expect(report.problems).toMatchObject([
      { kind: 'malformed_key', message: 'the key ID in the vkey does not belong to its name and key' },
    ]);
  });

  test('a sealed checkpoint with one of its signatures taken away is not the one that was archived', async () => {
    const archive = copyOf(buildTrail({ runs: [10], seals: [10], keys: [first, second] }).archive);
    const note = String(archive.get(`${TRAIL}/checkpoint`)).split('\n');
    archive.set(`${TRAIL}/checkpoint`, Buffer.from(note.toSpliced(-2, 1).join('\n')));
    const report = await verify(archive, { trust: lines(old, young) });
    expect(report.problems).toMatchObject([
      {
        kind: 'misplaced_checkpoint',
        object: `${TRAIL}/checkpoint`,
        message: 'it is not the checkpoint of size 10 that was archived, byte for byte',
      },
    ]);
  });

  test('nobody for this trail: everything is compared, nothing is proven', async () => {
    const report = await verify(rotated, { trust: lines(vkeyOf(`${LOG}/payments`, first)) });
    expect(report).toMatchObject({
      verdict: 'incomplete',
      problems: [
        { kind: 'no_trusted_key', trail: TRAIL },
        { kind: 'missing_trail', trail: 'payments' },
      ],
      trails: [{ covered: { from: 0, to: 0 }, records: 700 }],
    });
    expect(exitCodeOf(report)).toBe(1);
  });

  test('nobody for this trail, and the roots are not even right', async () => {
    const edited = copyOf(rotated);
    edited.set(`${TRAIL}/checkpoints/300`, noteOf(ORIGIN, 300, Buffer.alloc(32, 1), [first]));
    const report = await verify(edited, { trust: lines(vkeyOf(`${LOG}/payments`, first)) });
    expect(kinds(report).sort()).toEqual(['missing_trail', 'no_trusted_key', 'root_mismatch']);
  });

  test('nobody at all is a mistake', async () => {
    await expect(verify(rotated, { trust: [] })).rejects.toMatchObject({
      code: 'usage',
      message: 'a verification needs at least one trusted key',
    });
  });
});

describe('whose log it is', () => {
  const staging = buildTrail({ logName: 'staging.example.com', runs: [5], seals: [5] }).archive;

  test('a PEM is trusted under any name, and the report says where the name came from', async () => {
    expect(await verify(staging)).toMatchObject({
      verdict: 'ok',
      logName: 'staging.example.com',
      logNameFrom: 'archive',
    });
  });

  test('the name that is expected, given or from vkeys, is demanded', async () => {
    for (const options of [{ logName: LOG }, { trust: parseTrustedKeys(vkeyOf(ORIGIN, KEY)) }]) {
      const report = await verify(staging, options);
      expect(report.verdict).toBe('damaged');
      expect(kinds(report)).toContain('wrong_origin');
    }
  });

  test('all trails are of one log', async () => {
    const both = new Map([
      ...buildTrail({ runs: [5], seals: [5] }).archive,
      ...buildTrail({ trail: 'payments', logName: 'staging.example.com', runs: [5], seals: [5] }).archive,
    ]);
    const report = await verify(both);
    expect(report.trails.map(({ trail, verdict }) => [trail, verdict])).toEqual([
      ['orders', 'ok'],
      ['payments', 'damaged'],
    ]);
    expect(kinds(report)).toContain('wrong_origin');
  });
});

describe('part of an archive', () => {
  const both = new Map([
    ...buildTrail({ runs: [200, 700, 1500], seals: [700] }).archive,
    ...buildTrail({ trail: 'payments', runs: [5], seals: [5] }).archive,
  ]);

  test('one trail of several: the report says that the others were not looked at', async () => {
    const report = await verify(both, { trails: ['payments'] });
    expect(report.trails.map(({ trail }) => trail)).toEqual(['payments']);
    expect(report).toMatchObject({
      verdict: 'ok',
      skipped: [{ why: 'any other trail of the archive: it was not asked for' }],
    });
  });

  test('names the keys of what was asked for, and calls none untrusted that was not looked at', async () => {
    const names = async (options: Partial<VerifyOptions>): Promise<string[]> =>
      (await verify(both, options)).keys.map(({ name, trusted }) => `${name} ${trusted}`);
    expect(await names({ trails: [TRAIL] })).toEqual([`${ORIGIN} true`]);
    expect(await names({})).toEqual([`${ORIGIN} true`, `${LOG}/payments true`]);
  });

  test('a trail that is not there is not ok', async () => {
    const report = await verify(both, { trails: ['refunds'] });
    expect(report).toMatchObject({ verdict: 'incomplete', problems: [{ kind: 'no_checkpoint', trail: 'refunds' }] });
  });

  test.each([
    [
      { from: 300, to: 400 },
      { from: 256, to: 700 },
      [
        { from: 0, to: 256 },
        { from: 700, to: 1500 },
      ],
    ],
    [{ from: 0, to: 200 }, { from: 0, to: 200 }, [{ from: 200, to: 1500 }]],
    [{ from: 1024 }, { from: 768, to: 1500 }, [{ from: 0, to: 768 }]],
    [{ from: 1025 }, { from: 1024, to: 1500 }, [{ from: 0, to: 1024 }]],
    [{ from: 1499, to: 1500 }, { from: 1280, to: 1500 }, [{ from: 0, to: 1280 }]],
  ])('records %j: whole tiles around them, up to a checkpoint', async (range, covered, left) => {
    const report = await verify(both, { trails: [TRAIL], range });
    expect(report).toMatchObject({ verdict: 'ok', trails: [{ covered, records: covered.to - covered.from }] });
    expect(report.skipped.flatMap(({ records }) => records ?? [])).toEqual(left);
  });

  test('to the very end of a trail is no word on what lies beyond it, or on an older seal that was put back', async () => {
    const edited = copyOf(both);
    edited.set(`${TRAIL}/tile/0/900`, Buffer.alloc(8192));
    expect((await verify(edited)).verdict).not.toBe('ok');
    const report = await verify(edited, { trails: [TRAIL], range: { from: 0 } });
    expect(report.verdict).toBe('ok');
    expect(report.skipped).toContainEqual({
      trail: TRAIL,
      why: 'which seal is the newest, and what lies beyond the newest checkpoint',
    });
  });

  test('damage within it is found, even in the tiles that it starts from; damage elsewhere is not its business', async () => {
    const edited = copyOf(both);
    const flip = (key: string, at: number): void => {
      const bytes = edited.get(key) ?? expect.fail(`there is no ${key}`);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    };
    flip(`${TRAIL}/tile/0/000`, 40);
    const options = { trails: [TRAIL], range: { from: 300, to: 400 } };
    flip(`${TRAIL}/tile/0/000`, 8191);
    flip(`${TRAIL}/tile/0/004`, 40);
    expect((await verify(edited, options)).verdict).toBe('ok');
    flip(`${TRAIL}/tile/1/000.p/2`, 5);
    expect(kinds(await verify(edited, options))).toEqual(['root_mismatch', 'root_mismatch']);
    flip(`${TRAIL}/tile/1/000.p/2`, 5);
    flip(`${TRAIL}/tile/entries/001`, 40);
    expect(kinds(await verify(edited, options))).toEqual(['record_mismatch']);
  });

  test('is not ok where something lies around it that does not belong there', async () => {
    const object = `${TRAIL}/notes.txt`;
    const edited = new Map([...both, [object, Buffer.from('x')]]);
    const report = await verify(edited, { trails: [TRAIL], range: { from: 300, to: 400 } });
    expect(report).toMatchObject({ verdict: 'damaged', trails: [{ trail: TRAIL, verdict: 'damaged' }] });
    expect(report.problems).toMatchObject([{ kind: 'unknown_object', trail: TRAIL, object }]);
  });

  test.each([
    [{ from: 5, to: 5 }, 'a range goes from a record up to a later one, not from 5 to 5'],
    [{ from: 7, to: 5 }, 'a range goes from a record up to a later one, not from 7 to 5'],
    [{ from: 0, to: 1501 }, 'orders has 1500 records under its newest checkpoint: there is no record 1500'],
    [{ from: 1500 }, 'orders has 1500 records under its newest checkpoint: there is no record 1500'],
  ])('records %j are refused: they are not there', async (range, message) => {
    await expect(verify(both, { trails: [TRAIL], range })).rejects.toMatchObject({ code: 'usage', message });
  });

  test('a range of several trails and a trail of no name are refused', async () => {
    await expect(verify(both, { range: { from: 0 } })).rejects.toMatchObject({
      code: 'usage',
      message: 'a range of records needs exactly one trail',
    });
    await expect(verify(both, { trails: ['../etc'] })).rejects.toMatchObject({
      code: 'usage',
      message: '"../etc" is not the name of a trail',
    });
  });
});
