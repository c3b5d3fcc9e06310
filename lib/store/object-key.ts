/** Maximum bytes of a key, as in S3. */
const MAX_KEY_BYTES = 1024;

/** At most 255 bytes, as in most file systems. */
const SEGMENT = /^[A-Za-z0-9._=-]{1,255}$/;
const SEGMENT_START = /^[A-Za-z0-9._=-]{0,255}$/;

/** True if a text is one segment of a key. */
export function isSegment(text: string): boolean {
  return SEGMENT.test(text) && text !== '.' && text !== '..';
}

/** True if a text is a valid key. */
export function isObjectKey(text: string): boolean {
  return text.length <= MAX_KEY_BYTES && text.split('/').every(isSegment);
}

/** @throws RangeError if the text is not a valid key. */
export function checkObjectKey(key: string): void {
  if (!isObjectKey(key)) throw new RangeError(`not an object key: ${JSON.stringify(key)}`);
}

/**
 * Checks a prefix of keys: whole segments, then the start of one, which may be empty.
 *
 * @throws RangeError if no key could start with it.
 */
export function checkObjectPrefix(prefix: string): void {
  const segments = prefix.split('/');
  const start = segments.pop() ?? '';
  if (prefix.length > MAX_KEY_BYTES || !segments.every(isSegment) || !SEGMENT_START.test(start)) {
    throw new RangeError(`not a prefix of object keys: ${JSON.stringify(prefix)}`);
  }
}

const FILE_NAME = /^[A-Za-z0-9._-]{1,255}$/;

/** Checks a prefix of files to list or remove. @throws RangeError if it does not end in `/`, or no key could start with it. */
export function checkDownloadFolder(prefix: string): void {
  checkObjectPrefix(prefix);
  if (!prefix.endsWith('/')) throw new RangeError(`not a folder of files: ${JSON.stringify(prefix)}`);
}

/** The header `Content-Disposition` of a download (RFC 6266). @throws RangeError if the port does not allow the name. */
export function contentDisposition(fileName: string): string {
  if (!FILE_NAME.test(fileName)) throw new RangeError(`not a file name: ${JSON.stringify(fileName)}`);
  return `attachment; filename="${fileName}"`;
}

/** Checks a range of bytes to read. @throws RangeError unless both are whole numbers and `length` is at least 1. */
export function checkByteRange(from: number, length: number): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(length) || from < 0 || length < 1) {
    throw new RangeError(`not a range of bytes: ${length} from ${from}`);
  }
}
