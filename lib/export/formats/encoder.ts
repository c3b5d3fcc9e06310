/** Writes record lines in a format, in order, a batch at a time. It keeps no more than it needs for the next batch. */
export interface Encoder {
  /** The bytes that the lines add to the file; may be empty. @throws `malformed_record` */
  add(lines: readonly string[]): Uint8Array;
  /** The last bytes of the file; nothing may be added after them. */
  end(): Uint8Array;
}
