import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Item, Key } from '../ports.ts';

/** The table's key attributes and its TTL attribute. Attributes of items carry a prefix, so they cannot collide with these. */
export const PARTITION = 'partition';
export const SORT = 'sort';
export const EXPIRES_AT = 'expiresAt';
const PREFIX = '_';

export type DynamoItem = Record<string, AttributeValue>;

export const attributeName = (name: string): string => `${PREFIX}${name}`;

export const keyValue = ({ partition, sort }: Key): DynamoItem => ({
  [PARTITION]: { S: partition },
  [SORT]: { S: sort },
});

export function attributeValue(value: Attribute): AttributeValue {
  if (typeof value === 'string') return { S: value };
  return typeof value === 'number' ? { N: String(value) } : { B: value };
}

export function toDynamo(item: Item): DynamoItem {
  const attributes = Object.entries(item.attributes).map(([name, value]) => [
    attributeName(name),
    attributeValue(value),
  ]);
  const expiry = item.expiresAt === undefined ? {} : { [EXPIRES_AT]: { N: String(item.expiresAt) } };
  return { ...keyValue(item), ...expiry, ...Object.fromEntries(attributes) };
}

/** @throws `store_corrupt` for an item that this driver did not write */
export function fromDynamo(stored: DynamoItem): Item {
  const partition = stored[PARTITION]?.S;
  const sort = stored[SORT]?.S;
  if (partition === undefined || sort === undefined) throw foreign('an item without a key');
  const attributes: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(stored)) {
    if (!name.startsWith(PREFIX)) continue;
    // Not by assignment: `__proto__` is an ordinary name.
    const entry = { value: fromValue(value, sort), enumerable: true, writable: true, configurable: true };
    Object.defineProperty(attributes, name.slice(PREFIX.length), entry);
  }
  const expiresAt = stored[EXPIRES_AT]?.N;
  const expiry = expiresAt === undefined ? {} : { expiresAt: fromNumber(expiresAt, sort) };
  return { partition, sort, attributes, ...expiry };
}

/** DynamoDB's numbers have 38 digits; this driver writes safe integers only. */
function fromNumber(text: string, sort: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw foreign(`the item ${JSON.stringify(sort)} has the number ${text}`);
}

function fromValue(value: AttributeValue, sort: string): Attribute {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return fromNumber(value.N, sort);
  // A copy: the SDK's values may be views of one shared buffer.
  if (value.B !== undefined) return Uint8Array.from(value.B);
  throw foreign(`the item ${JSON.stringify(sort)} has an attribute of another type`);
}

const foreign = (message: string): SealtrailError =>
  new SealtrailError('store_corrupt', `the table holds data that Sealtrail did not write: ${message}`);
