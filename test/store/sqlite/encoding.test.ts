import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeAttributes, encodeAttributes } from '../../../lib/store/sqlite/encoding.ts';

it('gives back every attribute, and bytes that have their memory to themselves', () => {
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.uint8Array());
  const attributes = fc.dictionary(fc.string({ unit: 'binary' }), value, { noNullPrototype: true });
  fc.assert(
    fc.property(attributes, (given) => {
      const { json, bytes } = encodeAttributes(given);
      // What SQLite returns: a copy.
      const decoded = decodeAttributes(json, bytes && new Uint8Array(bytes));
      expect(Object.keys(decoded)).toEqual(Object.keys(given));
      for (const [name, was] of Object.entries(given)) {
        const is = Object.getOwnPropertyDescriptor(decoded, name)?.value;
        // JSON has no minus zero, which is equal to zero.
        expect(is).toEqual(typeof was === 'number' ? was + 0 : was);
        if (is instanceof Uint8Array) expect(is.buffer.byteLength).toBe(is.byteLength);
      }
    }),
  );
});

it('passes the only byte attribute through as it is', () => {
  const bytes = new Uint8Array(1_000);
  const encoded = encodeAttributes({ n: 1, bytes });
  expect(encoded).toEqual({ json: '{"n":1,"bytes":[0,1000]}', bytes });
  expect(encoded.bytes).toBe(bytes);
  expect(encodeAttributes({ n: 1, s: 'x' })).toEqual({ json: '{"n":1,"s":"x"}', bytes: null });
});
