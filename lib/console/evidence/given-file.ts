/** A file that a person gave to the page, not read yet. */
export interface GivenFile {
  /** Relative to what was given: a name, or a path below a folder, with slashes. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  bytes(): Promise<Uint8Array>;
  /** The bytes in parts, so that a large file needs little memory. */
  parts(): AsyncIterable<Uint8Array>;
}

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
