import fc from 'fast-check';

/** Well-formed text out of all of Unicode, with control characters and what looks like a space more often than not. */
export const anyText = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
      fc.constantFrom(
        0x00,
        0x09,
        0x0a,
        0x0d,
        0x1f,
        0x22,
        0x5c,
        0x7f,
        0x85,
        0xa0,
        0x2003,
        0x2014,
        0x2028,
        0xfeff,
        0xfffd,
      ),
      fc.integer({ min: 0x80, max: 0xd7ff }),
      fc.integer({ min: 0xe000, max: 0x10ffff }),
    ),
    { maxLength: 60 },
  )
  .map((points) => String.fromCodePoint(...points));
