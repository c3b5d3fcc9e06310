/** Writes record lines in a format, in order, a batch at a time. It keeps no more than it needs for the next batch. */
export interface Encoder {
  /** What the lines add to the file; may be empty. @throws `malformed_record` */
  add(lines: readonly string[]): Uint8Array;
  /** What ends the file, after which nothing may be added. */
  end(): Uint8Array;
}
