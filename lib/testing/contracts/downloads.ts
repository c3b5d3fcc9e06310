import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Downloads, LinkedFile } from '../../store/ports.ts';

/** The response behind a link. */
export interface FollowedLink extends Pick<LinkedFile, 'fileName' | 'mediaType'> {
  readonly bytes: Uint8Array;
}

/** A driver under test, and how the suite opens and inspects it. */
export interface DownloadsDriver {
  /** Opens the store. Called again, it opens the same files, as the next process would after a crash. */
  open(): Promise<Downloads>;
  /** Fetches a link as a browser would; undefined where it leads nowhere. */
  follow(link: string): Promise<FollowedLink | undefined>;
  /** Lets time pass for links. @default it cannot, and the suite does not ask when links expire */
  passSeconds?(seconds: number): void;
  /** True if the store's own rules remove what is old, so that `remove` leaves the files to them. @default false */
  readonly removesByItself?: boolean;
}

const CSV: LinkedFile = { fileName: 'orders-1.csv', mediaType: 'text/csv; charset=utf-8', seconds: 60 };
/** Longer than a part of a multipart upload, and not a multiple of one. */
const LONG_BYTES = 9_000_001;

/**
 * The contract of the port `Downloads`, sentence by sentence. Every driver runs it.
 *
 * @example
 * const open = () => FolderDownloads.open(dir, { secret, path: '/v1/downloads/' });
 * downloadsContract('FolderDownloads', { open, follow: async (link) => fetchFrom(server, link) });
 */
export function downloadsContract(name: string, driver: DownloadsDriver): void {
  describe(`${name} keeps the contract of Downloads`, () => {
    let downloads: Downloads;
    beforeAll(async () => {
      downloads = await driver.open();
    });

    const write = async (key: string, ...chunks: readonly Uint8Array[]): Promise<void> => {
      const writer = await downloads.create(key);
      for (const chunk of chunks) await writer.write(chunk);
      await writer.finish();
    };
    const follow = async (key: string) => driver.follow(await downloads.link(key, CSV));
    const textAt = async (key: string): Promise<string | undefined> => {
      const followed = await follow(key);
      return followed === undefined ? undefined : Buffer.from(followed.bytes).toString();
    };

    describe('a file', () => {
      it.each([
        ['no bytes', 0],
        ['one byte', 1],
        ['many parts', LONG_BYTES],
      ])('of %s is there as it was written', async (_, length) => {
        const key = freshKey();
        const bytes = new Uint8Array(length).map((_, at) => at * 31);
        await write(key, bytes.subarray(0, 7), bytes.subarray(7));
        expect(Buffer.compare((await follow(key))?.bytes ?? Buffer.from('none'), bytes)).toBe(0);
      });

      it('shares no memory with its writer', async () => {
        const key = freshKey();
        const writer = await downloads.create(key);
        const buffer = textBytes('first');
        await writer.write(buffer);
        buffer.set(textBytes('later'));
        await writer.write(buffer);
        await writer.finish();
        expect(await textAt(key)).toBe('firstlater');
      });

      it('is not there before it is finished', async () => {
        const key = freshKey();
        const writer = await downloads.create(key);
        await writer.write(new Uint8Array(LONG_BYTES));
        expect(await follow(key)).toBeUndefined();
        await writer.finish();
        expect((await follow(key))?.bytes).toHaveLength(LONG_BYTES);
      });

      it.each([3, LONG_BYTES])('of %i bytes that is given up leaves nothing, and its key free', async (length) => {
        const key = freshKey();
        const writer = await downloads.create(key);
        await writer.write(new Uint8Array(length));
        await writer.abandon();
        await writer.abandon();
        expect(await follow(key)).toBeUndefined();
        await write(key, textBytes('the next'));
        expect(await textAt(key)).toBe('the next');
      });

      it.each([3, LONG_BYTES])('of %i bytes stays when it is given up after it was finished', async (length) => {
        const key = freshKey();
        const writer = await downloads.create(key);
        await writer.write(new Uint8Array(length));
        await writer.finish();
        await writer.abandon();
        await writer.abandon();
        expect((await follow(key))?.bytes).toHaveLength(length);
      });

      it('survives the process, and what was not finished leaves its key free', async () => {
        const [finished, begun] = [freshKey(), freshKey()];
        await write(finished, textBytes('kept'));
        const writer = await downloads.create(begun);
        await writer.write(new Uint8Array(LONG_BYTES));
        downloads = await driver.open();
        expect(await textAt(finished)).toBe('kept');
        expect(await follow(begun)).toBeUndefined();
        await write(begun, textBytes('begun anew'));
        await writer.abandon();
        expect(await textAt(begun)).toBe('begun anew');
      });
    });

    describe('a key', () => {
      it.each([
        ['short', 9],
        ['long', LONG_BYTES],
      ])('that is taken refuses another file, a %s one too, and keeps the first', async (_, length) => {
        const key = freshKey();
        await write(key, textBytes('the first'));
        const writer = await downloads.create(key);
        await writer.write(new Uint8Array(length));
        await expect(writer.finish()).rejects.toMatchObject({ code: 'object_differs' });
        await writer.abandon();
        expect(await textAt(key)).toBe('the first');
      });

      it('that two begin belongs to the one that finishes first', async () => {
        const key = freshKey();
        const [slow, fast] = [await downloads.create(key), await downloads.create(key)];
        await slow.write(textBytes('slow'));
        await fast.write(textBytes('fast'));
        await fast.finish();
        await expect(slow.finish()).rejects.toMatchObject({ code: 'object_differs' });
        await slow.abandon();
        expect(await textAt(key)).toBe('fast');
      });

      it.each(['', '/a', 'a/', 'a//b', '..', 'a/../b', 'a b', '~a'])('%j is none', async (key) => {
        const refused = { name: 'RangeError', message: expect.stringContaining('not an object key') };
        await expect(downloads.create(key)).rejects.toMatchObject(refused);
        await expect(downloads.link(key, CSV)).rejects.toMatchObject(refused);
      });
    });

    describe('a link', () => {
      it('tells the browser the name and type that it was made with', async () => {
        const key = freshKey();
        await write(key, textBytes('a,b'));
        expect(await follow(key)).toMatchObject({ fileName: CSV.fileName, mediaType: CSV.mediaType });
        const other = { fileName: 'orders.ndjson.gz', mediaType: 'application/gzip', seconds: 1 };
        expect(await driver.follow(await downloads.link(key, other))).toMatchObject({
          fileName: 'orders.ndjson.gz',
          mediaType: 'application/gzip',
        });
      });

      it('may be made before there is a file', async () => {
        const key = freshKey();
        const link = await downloads.link(key, CSV);
        expect(await driver.follow(link)).toBeUndefined();
        await write(key, textBytes('now'));
        expect(await driver.follow(link)).toBeDefined();
      });

      it.each(['', 'a b', 'a"b', 'a/b', 'a\r\nb', 'é', 'x'.repeat(256)])('has no name like %j', async (fileName) => {
        const made = downloads.link(freshKey(), { ...CSV, fileName });
        await expect(made).rejects.toMatchObject({ name: 'RangeError', message: expect.stringContaining('file name') });
      });

      it.skipIf(driver.passSeconds === undefined)('works for its seconds and no longer', async () => {
        const key = freshKey();
        await write(key, textBytes('brief'));
        const link = await downloads.link(key, { ...CSV, seconds: 10 });
        driver.passSeconds?.(9);
        expect(await driver.follow(link)).toBeDefined();
        driver.passSeconds?.(1);
        expect(await driver.follow(link)).toBeUndefined();
        expect(await driver.follow(await downloads.link(key, CSV))).toBeDefined();
      });
    });

    describe('remove', () => {
      it.skipIf(driver.removesByItself === true)('removes what is in a folder, and nothing beside it', async () => {
        const folder = freshKey();
        const keys = ['1/file', '1/proof', '1/deep/er', '11/file', '2'].map((rest) => `${folder}/${rest}`);
        for (const key of keys) await write(key, textBytes(key));
        await downloads.remove(`${folder}/1/`);
        await downloads.remove(`${folder}/1/`);
        const left = await Promise.all(keys.map(textAt));
        expect(left).toEqual([undefined, undefined, undefined, keys[3], keys[4]]);
        await write(`${folder}/1/file`, textBytes('again'));
        expect(await textAt(`${folder}/1/file`)).toBe('again');
      });

      it('of a folder that is not there is nothing', async () => {
        await downloads.remove(`${freshKey()}/`);
      });

      it.each(['', 'a', 'a/b', '/', '../', 'a//', '~unfinished/'])('refuses %j', async (prefix) => {
        await expect(downloads.remove(prefix)).rejects.toThrow(RangeError);
      });
    });
  });
}

/** A key that no other test uses. */
const freshKey = (): string => `test-${randomUUID()}/file`;

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
