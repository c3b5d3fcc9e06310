import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeFile } from '../../../lib/cli/inspect/describe-file.ts';
import { parseCheckpoint } from '../../../lib/log/checkpoint.ts';
import { toBase64 } from '../../../lib/log/encoding.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { parseNote } from '../../../lib/log/note.ts';
import { cli } from '../in-process.ts';
import { openSealedLog, type SealedLog } from '../sealed-log.ts';

let log: SealedLog;
let files: readonly string[];
const inArchive = (pattern: RegExp): string => {
  const found = files.find((file) => pattern.test(file));
  if (found === undefined) throw new Error(`the archive has no file like ${pattern}`);
  return found;
};
const described = (file: string) => describeFile(file, readFileSync(file));

beforeAll(async () => {
  log = await openSealedLog();
  files = readdirSync(log.archive, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
});
afterAll(() => log.close());

describe('what a file of a log holds', () => {
  it('is said of every file of an archive', () => {
    const kinds = new Set(files.map((file) => described(file).kind));
    expect([...kinds].sort()).toEqual(['bundle', 'checkpoint', 'keys', 'segment', 'tile']);
  });

  it('agrees across the files of one tree: checkpoint, tiles and bundles show the same root', () => {
    const checkpoint = readFileSync(inArchive(/payments\/checkpoint$/), 'utf8');
    const { root, size } = parseCheckpoint(parseNote(checkpoint).text);
    expect(described(inArchive(/payments\/checkpoint$/)).fields).toMatchObject({ size, root: toBase64(root) });
    // A tree of five leaves has one tile, so that tile's root is the tree's.
    expect(described(inArchive(/payments\/tile\/0\//)).fields).toMatchObject({
      'root over its hashes': toBase64(root),
    });
    const full = described(inArchive(/orders\/tile\/entries\/000$/));
    expect(full.fields).toMatchObject({ trail: 'orders', first: 0, last: 255, records: 256 });
    expect(full.fields['root over its leaf hashes']).toBe(
      described(inArchive(/orders\/tile\/0\/000$/)).fields['root over its hashes'],
    );
  });

  it('is found by content where the name says nothing', () => {
    const bundle = readFileSync(inArchive(/orders\/tile\/entries\/000$/));
    const tile = readFileSync(inArchive(/orders\/tile\/0\/000$/));
    expect(describeFile('a', bundle).kind).toBe('bundle');
    expect(describeFile('b', tile).kind).toBe('tile');
  });

  it('is nothing, and said so, of any other bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('x', 'tile/0/000', 'tile/entries/000'),
        (bytes, name) => {
          try {
            describeFile(name, bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(SealtrailError);
          }
        },
      ),
    );
    expect(() => describeFile('x', Buffer.from('hello'))).toThrow('not a file of a log');
    expect(() => describeFile('x', gzipSync('{"no":"record"}\n'))).toThrow(SealtrailError);
    expect(() => describeFile('x', gzipSync('x').subarray(0, 12))).toThrow(SealtrailError);
  });
});

describe('sealtrail inspect', () => {
  it('shows several files, for people and for programs', async () => {
    const [checkpoint, tile] = [inArchive(/orders\/checkpoint$/), inArchive(/orders\/tile\/0\/000$/)];
    const people = await cli(['inspect', checkpoint, tile]);
    expect(people).toMatchObject({ code: 0, stderr: '' });
    expect(people.stdout).toContain('origin      log.example/orders');
    expect(people.stdout).toContain('and 248 others: --json has them all');
    const programs = await cli(['inspect', checkpoint, tile, '--json']);
    const [first, second] = programs.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({ file: checkpoint, kind: 'checkpoint', origin: 'log.example/orders', size: 300 });
    expect(second.hashes).toHaveLength(256);
  });

  it('prints the lines alone, escaped on a terminal', async () => {
    const segment = inArchive(/orders\/records\//);
    const { stdout } = await cli(['inspect', segment, '--lines']);
    expect(stdout.split('\n')[0]).toMatch(/^\{"event":.*"seq":0,.*"v":1\}$/);
  });

  it('names the file that is none', async () => {
    const { code, stderr } = await cli(['inspect', join(log.folder, 'data', 'config.json')]);
    expect(code).toBe(2);
    expect(stderr).toContain('config.json: not a file of a log');
  });
});
