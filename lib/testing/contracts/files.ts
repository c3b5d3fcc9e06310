import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../store/ports.ts';

/** A driver under test, and how the suite opens and inspects it. */
export interface FilesDriver {
  /** Opens the store. Called again, it opens the same files, as the next process would after a crash. */
  open(): Promise<Files>;
}

/** Longer than a part of a multipart upload, and not a multiple of one. */
const LONG_BYTES = 9_000_001;

/**
 * The contract of the port `Files`, sentence by sentence. Every driver runs it.
 *
 * @example
 * filesContract('FolderFiles', { open: () => FolderFiles.open(dir) });
 */
export function filesContract(name: string, driver: FilesDriver): void {
  describe(`${name} keeps the contract of Files`, () => {
    let files: Files;
    beforeAll(async () => {
      files = await driver.open();
    });

    const write = async (key: string, ...chunks: readonly Uint8Array[]): Promise<void> => {
      const writer = await files.create(key);
      for (const chunk of chunks) await writer.write(chunk);
      await writer.finish();
    };
    const textAt = async (key: string): Promise<string | undefined> => {
      const bytes = await files.read(key, 0, 1000);
      return bytes && Buffer.from(bytes).toString();
    };
    const listed = async (prefix: string) =>
      (await Array.fromAsync(files.list(prefix))).map(({ key, size }) => [key.slice(prefix.length), size]);

    describe('a file', () => {
      it.each([
        ['no bytes', 0],
        ['one byte', 1],
        ['many parts', LONG_BYTES],
      ])('of %s is there as it was written', async (_, length) => {
        const key = freshKey();
        const bytes = new Uint8Array(length).map((_, at) => at * 31);
        await write(key, bytes.subarray(0, 7), bytes.subarray(7));
        expect(Buffer.compare((await files.read(key, 0, length + 1)) ?? Buffer.from('none'), bytes)).toBe(0);
      });

      it('is read in any range, as far as it goes', async () => {
        const key = freshKey();
        await write(key, textBytes('0123456789'));
        const ranges = await Promise.all(
          [
            [0, 1],
            [3, 4],
            [9, 1],
            [8, 100],
            [10, 5],
            [1000, 1],
          ].map(async ([from = 0, length = 0]) => Buffer.from((await files.read(key, from, length)) ?? []).toString()),
        );
        expect(ranges).toEqual(['0', '3456', '9', '89', '', '']);
      });

      it.each([
        [-1, 1],
        [0, 0],
        [0.5, 1],
        [0, Number.NaN],
      ])('has no range of %d and %d', async (from, length) => {
        await expect(files.read(freshKey(), from, length)).rejects.toThrow(RangeError);
      });

      it('shares no memory with its writer or its readers', async () => {
        const key = freshKey();
        const writer = await files.create(key);
        const buffer = textBytes('first');
        await writer.write(buffer);
        buffer.set(textBytes('later'));
        await writer.write(buffer);
        await writer.finish();
        (await files.read(key, 0, 10))?.fill(0);
        expect(await textAt(key)).toBe('firstlater');
      });

      it('is not there before it is finished, and what is not there is not read', async () => {
        const key = freshKey();
        const writer = await files.create(key);
        await writer.write(new Uint8Array(LONG_BYTES));
        expect(await files.read(key, 0, 1)).toBeUndefined();
        await writer.finish();
        expect(await files.read(key, LONG_BYTES - 1, 2)).toHaveLength(1);
      });

      it.each([3, LONG_BYTES])('of %i bytes that is given up leaves nothing', async (length) => {
        const key = freshKey();
        const writer = await files.create(key);
        await writer.write(new Uint8Array(length));
        await writer.abandon();
        await writer.abandon();
        expect(await files.read(key, 0, 1)).toBeUndefined();
        await write(key, textBytes('the next'));
        expect(await textAt(key)).toBe('the next');
      });

      it.each([3, LONG_BYTES])('of %i bytes replaces the one before it', async (length) => {
        const key = freshKey();
        await write(key, textBytes('the first'));
        await write(key, new Uint8Array(length).fill(65));
        expect(await files.read(key, 0, length + 9)).toHaveLength(length);
      });

      it('survives the process, and what was not finished does not', async () => {
        const [finished, begun] = [freshKey(), freshKey()];
        await write(finished, textBytes('kept'));
        const writer = await files.create(begun);
        await writer.write(new Uint8Array(LONG_BYTES));
        files = await driver.open();
        expect(await textAt(finished)).toBe('kept');
        expect(await files.read(begun, 0, 1)).toBeUndefined();
        await writer.abandon();
      });
    });

    describe('a folder', () => {
      it('lists its files in order, and no others', async () => {
        const folder = freshKey();
        for (const rest of ['b/10', 'b/2', 'a', 'b-1']) await write(`${folder}/${rest}`, textBytes(rest));
        const writer = await files.create(`${folder}/unfinished`);
        await writer.write(textBytes('half'));
        expect(await listed(`${folder}/`)).toEqual([
          ['a', 1],
          ['b-1', 3],
          ['b/10', 4],
          ['b/2', 3],
        ]);
        expect(await listed(`${folder}/b/`)).toEqual([
          ['10', 4],
          ['2', 3],
        ]);
        expect(await listed(`${freshKey()}/`)).toEqual([]);
        await writer.abandon();
      });

      it('no longer holds what was removed', async () => {
        const folder = freshKey();
        for (const rest of ['1', '2']) await write(`${folder}/${rest}`, textBytes(rest));
        await files.remove(`${folder}/1`);
        await files.remove(`${folder}/1`);
        expect(await files.read(`${folder}/1`, 0, 1)).toBeUndefined();
        expect(await listed(`${folder}/`)).toEqual([['2', 1]]);
      });
    });

    it.each(['', '/a', 'a/', 'a//b', '..', 'a/../b', 'a b', '~a'])('%j is no key', async (key) => {
      const refused = { name: 'RangeError', message: expect.stringContaining('not an object key') };
      await expect(files.create(key)).rejects.toMatchObject(refused);
      await expect(files.read(key, 0, 1)).rejects.toMatchObject(refused);
      await expect(files.remove(key)).rejects.toMatchObject(refused);
    });

    it.each(['', 'a', 'a/b', '/', '../', 'a//', '~unfinished/'])('%j is no folder', async (prefix) => {
      await expect(listed(prefix)).rejects.toThrow(RangeError);
    });
  });
}

/** A key that no other test uses. */
const freshKey = (): string => `test-${randomUUID()}/file`;

const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
