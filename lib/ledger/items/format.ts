import { SealtrailError } from '../../log/error.ts';
import { isRecordVersion, RECORD_VERSION, type RecordVersion } from '../../log/record-format.ts';
import type { Attribute, Item } from '../../store/ports.ts';

/**
 * The formats of stored items: for each kind the number that this version writes, which is the newest that it reads. A reader
 * knows every earlier one too. What was stored before it named its format is of format 1.
 *
 * A change that an earlier version would misread takes the next number, so that such a version refuses the item by name. What an
 * earlier version may leave unread takes none.
 */
const FORMATS = {
  head: 1,
  block: 1,
  'block part': 1,
  checkpoint: 1,
  'idempotency key': 1,
  'recalled event': 1,
  'rebuilt trail': 1,
  'waiting submission': 1,
  landing: 1,
  turn: 1,
  trail: 1,
  'edge tile': 1,
  watermark: 1,
  // 2: files with sums of their groups. Earlier versions call it a watermark, and refuse it by that name.
  'index state': 2,
  refusal: 1,
  producer: 1,
  'due producer': 1,
  'due trail': 1,
  'full pass': 1,
  'resting trail': 1,
  export: 1,
  verification: 1,
  'verification scope': 1,
  'witnessed checkpoint': 1,
  'cursor secret': 1,
  'mask secret': 1,
  'retired key': 2,
  'config.json': 1,
  'access.json': 1,
  'retired-keys.json': 1,
} as const;

/** Stored items and files. */
export type StoredKind = keyof typeof FORMATS;

/** Attributes, or the members of a file, together with their format. */
export function withFormat<T extends object>(kind: StoredKind, values: T): T & { readonly format: number } {
  return { format: FORMATS[kind], ...values };
}

/**
 * The attributes of an item, without its format, once it is clear that this version knows that.
 *
 * @throws as {@link assertKnown}
 */
export function attributesOf(kind: StoredKind, item: Item): Item['attributes'] {
  const { format, ...attributes } = item.attributes;
  assertKnown(kind, format, `${item.partition} ${item.sort}`);
  return attributes;
}

/**
 * The values of an item that is written over where it cannot be read.
 *
 * @param parse of its attributes; throws where they are not right
 * @returns the error `store_corrupt` with this message where it is not readable
 * @throws `unavailable` when a newer version wrote it
 */
export function valuesOr<T>(
  kind: StoredKind,
  item: Item,
  parse: (attributes: Item['attributes']) => T,
  message: string,
): T | SealtrailError {
  try {
    return parse(attributesOf(kind, item));
  } catch (cause) {
    if (cause instanceof SealtrailError && cause.code !== 'store_corrupt') throw cause;
    return new SealtrailError('store_corrupt', message, { cause });
  }
}

/** True if this version knows the format of an item, for readers that may pass one over. */
export const isKnown = (kind: StoredKind, { attributes: { format = 1 } }: Item): boolean =>
  isFormat(format) && format <= FORMATS[kind];

/**
 * @param format as stored; undefined stands for 1
 * @param place names the item or file
 * @throws `store_corrupt` when it is no format at all; {@link NewerFormatError}
 */
export function assertKnown(kind: StoredKind, format: unknown, place: string): void {
  if (format === undefined) return;
  if (!isFormat(format)) throw new SealtrailError('store_corrupt', `the format of the ${kind} (${place}) is none`);
  const newest = FORMATS[kind];
  if (format > newest) throw new NewerFormatError(`the ${kind} (${place})`, `format ${format}`, newest);
}

/**
 * The format of the records that an item stands for; undefined stands for 1.
 *
 * @param what names the item
 * @throws `store_corrupt` when it is no format at all; {@link NewerFormatError}
 */
export function recordVersionOf(what: string, record: Attribute | undefined = 1): RecordVersion {
  if (isRecordVersion(record)) return record;
  if (!isFormat(record)) throw new SealtrailError('store_corrupt', `the record format of ${what} is none`);
  throw new NewerFormatError(what, `records of format ${record}`, RECORD_VERSION);
}

/**
 * Something stored that only a newer version can read. Its code is `unavailable`: while a deployment is being updated, the same
 * request soon finds a process that can.
 */
class NewerFormatError extends SealtrailError {
  constructor(what: string, found: string, newest: number) {
    super('unavailable', `${what} was written by a newer version: it has ${found}, and this version knows ${newest}`);
  }
}

/** True if an error says that an item cannot be read, now or later: a verification must not call that ok, or wait. */
export const isUnreadable = (error: unknown): boolean =>
  error instanceof NewerFormatError || (error instanceof SealtrailError && error.code === 'store_corrupt');

/** True if a value is the number of some format, known or not. */
export const isFormat = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 1;
