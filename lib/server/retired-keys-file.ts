import * as z from 'zod';
import type { RetiredKey } from '../keys/retired-key.ts';
import { fromBase64, toBase64 } from '../log/encoding.ts';

/** `retired-keys.json`: keys that sign no more, and the size of the last checkpoint of each trail that each may have signed. */
export const retiredKeysSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      spki: z.base64().describe('SubjectPublicKeyInfo in DER.'),
      ends: z.record(z.string(), z.int().nonnegative()),
    }),
  ),
});
export type RetiredKeysFile = z.infer<typeof retiredKeysSchema>;

/** Reads the retired keys from the file's content. @throws `invalid_parameter` */
export const retiredKeysFrom = ({ keys }: RetiredKeysFile): RetiredKey[] =>
  keys.map(({ spki, ends }) => ({ spki: fromBase64(spki), ends }));

/** The file's content for these keys. */
export const retiredKeysFile = (keys: readonly RetiredKey[]): RetiredKeysFile => ({
  keys: keys.map(({ spki, ends }) => ({ spki: toBase64(spki), ends: { ...ends } })),
});
