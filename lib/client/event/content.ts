/** Most bytes of JSON of one content that an event takes in; an event has 32,512 bytes for all its members. */
const MAX_BYTES = 12_000;

/** A content for an event's details: as it is where it is small, else its size. Redaction is the logger's. */
export function contentFor(value: unknown): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  return bytes <= MAX_BYTES ? value : { leftOut: `too large for an event: ${bytes} bytes of JSON` };
}
