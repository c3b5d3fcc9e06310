import type { Attribute, Item, Key, Range, Write } from './ports.ts';

/** Maximum writes in one transaction, set by DynamoDB's TransactWriteItems. */
const MAX_WRITES = 100;
/** Maximum bytes in one transaction; DynamoDB allows 4 MiB. */
const MAX_TRANSACTION_BYTES = 4_000_000;
/** Maximum bytes in one item; DynamoDB allows 400 KiB, including its own overhead. */
export const MAX_ITEM_BYTES = 400_000;
/** Maximum lengths of partition and sort keys in UTF-8 bytes, as in DynamoDB. */
const MAX_PARTITION_BYTES = 2048;
const MAX_SORT_BYTES = 1024;
/** Maximum bytes of a message to sign, as in KMS. */
const MAX_MESSAGE_BYTES = 4096;
/** The size of any number: DynamoDB takes a byte per two digits, one for the sign and one more. */
const NUMBER_BYTES = 10;

/**
 * Checks the preconditions of `transact`.
 *
 * @throws RangeError if there are no writes or too many, a key is written twice, or the writes are too large or hold a key,
 * a name or a value that the port does not allow.
 */
export function checkWrites(writes: readonly Write[]): void {
  if (writes.length === 0 || writes.length > MAX_WRITES) {
    throw new RangeError(`a transaction has 1 to ${MAX_WRITES} writes, not ${writes.length}`);
  }
  const seen = new Set<string>();
  let total = 0;
  for (const write of writes) {
    const key = keyOf(write);
    // The leading length keeps ('a', 'bc') and ('ab', 'c') apart.
    const name = `${key.partition.length} ${key.partition}${key.sort}`;
    if (seen.has(name)) throw new RangeError(`a transaction writes ${describeKey(key)} twice`);
    seen.add(name);
    total += writeBytes(write);
  }
  if (total > MAX_TRANSACTION_BYTES) {
    throw new RangeError(`a transaction holds at most ${MAX_TRANSACTION_BYTES} bytes, not ${total}`);
  }
}

/** Checks a message to sign. @throws RangeError if it is empty or above {@link MAX_MESSAGE_BYTES}. */
export function checkMessage(message: Uint8Array): void {
  if (message.byteLength === 0 || message.byteLength > MAX_MESSAGE_BYTES) {
    throw new RangeError(`a message has 1 to ${MAX_MESSAGE_BYTES} bytes, not ${message.byteLength}`);
  }
}

/** The key that a write is about. */
export function keyOf(write: Write): Key {
  if ('put' in write) return write.put;
  if ('update' in write) return write.update;
  return 'remove' in write ? write.remove : write.check;
}

/** Checks the stored size of an item. @throws RangeError above {@link MAX_ITEM_BYTES}. */
export function checkItemBytes(key: Key, bytes: number): void {
  if (bytes > MAX_ITEM_BYTES) {
    throw new RangeError(`an item holds at most ${MAX_ITEM_BYTES} bytes, ${describeKey(key)} has ${bytes}`);
  }
}

/** The size of an item in bytes, as the limits count it. Its parts must have been checked before. */
export function itemBytes(item: Item): number {
  let bytes = Buffer.byteLength(item.partition) + Buffer.byteLength(item.sort);
  for (const [name, value] of Object.entries(item.attributes)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return item.expiresAt === undefined ? bytes : bytes + NUMBER_BYTES;
}

/** @throws RangeError if a key is empty, too long or not well-formed Unicode. */
export function checkKey(key: Key): number {
  return checkKeyPart('partition', key.partition, MAX_PARTITION_BYTES) + checkKeyPart('sort', key.sort, MAX_SORT_BYTES);
}

/** @throws RangeError if a partition or bound could not be part of a key, or the limit is not a whole number. */
export function checkRange(range: Range): void {
  checkKeyPart('partition', range.partition, MAX_PARTITION_BYTES);
  if (range.from !== undefined) checkKeyPart('sort', range.from, MAX_SORT_BYTES);
  if (range.to !== undefined) checkKeyPart('sort', range.to, MAX_SORT_BYTES);
  if (range.limit !== undefined && !(Number.isSafeInteger(range.limit) && range.limit >= 0)) {
    throw new RangeError(`a limit is a whole number from 0, not ${range.limit}`);
  }
}

/** A key for messages. */
function describeKey(key: Key): string {
  return `(${JSON.stringify(key.partition)}, ${JSON.stringify(key.sort)})`;
}

function writeBytes(write: Write): number {
  const key = keyOf(write);
  let bytes = checkKey(key);
  if ('put' in write) {
    bytes += attributeBytes(key, write.put.attributes, write.put.expiresAt);
    checkItemBytes(key, bytes);
  } else if ('update' in write) {
    bytes += attributeBytes(key, write.set, write.expiresAt);
  }
  return bytes;
}

function attributeBytes(key: Key, attributes: Readonly<Record<string, Attribute>>, expiresAt?: number): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === '' || !name.isWellFormed()) throw new RangeError(`an attribute of ${describeKey(key)} has a bad name`);
    checkValue(key, name, value);
    bytes += Buffer.byteLength(name) + valueBytes(value);
  }
  if (expiresAt === undefined) return bytes;
  if (!Number.isSafeInteger(expiresAt) || expiresAt < 0) {
    throw new RangeError(`expiresAt of ${describeKey(key)} is not in whole seconds: ${expiresAt}`);
  }
  return bytes + NUMBER_BYTES;
}

function checkValue(key: Key, name: string, value: Attribute): void {
  const wrong =
    typeof value === 'string'
      ? !value.isWellFormed()
      : typeof value === 'number'
        ? !Number.isSafeInteger(value)
        : !(value instanceof Uint8Array);
  if (wrong)
    throw new RangeError(
      `attribute ${JSON.stringify(name)} of ${describeKey(key)} holds a value that no item can hold`,
    );
}

function valueBytes(value: Attribute): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return typeof value === 'number' ? NUMBER_BYTES : value.byteLength;
}

function checkKeyPart(part: 'partition' | 'sort', text: string, most: number): number {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || bytes > most || !text.isWellFormed()) {
    throw new RangeError(`a ${part} key has 1 to ${most} bytes of well-formed text, not ${JSON.stringify(text)}`);
  }
  return bytes;
}
