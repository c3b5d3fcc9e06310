import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { Condition, Write } from '../ports.ts';
import { attributeName, attributeValue, EXPIRES_AT, keyValue, PARTITION, toDynamo } from './item.ts';

/** The names and values of one write's expressions, which DynamoDB takes separately. */
class Expressions {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, AttributeValue> = {};
  #count = 0;

  name(attribute: string): string {
    const placeholder = `#n${this.#count++}`;
    this.names[placeholder] = attribute;
    return placeholder;
  }

  value(value: AttributeValue): string {
    const placeholder = `:v${this.#count++}`;
    this.values[placeholder] = value;
    return placeholder;
  }

  condition(when: Condition | undefined): string | undefined {
    if (when === undefined) return undefined;
    if (when.is === 'absent') return `attribute_not_exists(${this.name(PARTITION)})`;
    if (when.is === 'present') return `attribute_exists(${this.name(PARTITION)})`;
    return `${this.name(attributeName(when.attribute))} = ${this.value(attributeValue(when.value))}`;
  }

  /** Omits empty maps, which DynamoDB rejects. */
  get fields() {
    return {
      ...(Object.keys(this.names).length === 0 ? {} : { ExpressionAttributeNames: this.names }),
      ...(Object.keys(this.values).length === 0 ? {} : { ExpressionAttributeValues: this.values }),
    };
  }
}

/** Returns the standing item with a failed condition. */
const RETURN_STANDING = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

/** A write as an entry of TransactWriteItems. */
export function toTransactItem(TableName: string, write: Write): TransactWriteItem {
  const expressions = new Expressions();
  if ('update' in write) {
    const sets = Object.entries(write.set).map(
      ([name, value]) => `${expressions.name(attributeName(name))} = ${expressions.value(attributeValue(value))}`,
    );
    if (write.expiresAt !== undefined) {
      sets.push(`${expressions.name(EXPIRES_AT)} = ${expressions.value({ N: String(write.expiresAt) })}`);
    }
    const present = expressions.condition({ is: 'present' });
    const stated = expressions.condition(write.when);
    const ConditionExpression = stated === undefined ? present : `${present} AND ${stated}`;
    const common = { TableName, Key: keyValue(write.update), ConditionExpression, ...RETURN_STANDING };
    // An update that sets nothing still requires the item.
    if (sets.length === 0) return { ConditionCheck: { ...common, ...expressions.fields } };
    return { Update: { ...common, UpdateExpression: `SET ${sets.join(', ')}`, ...expressions.fields } };
  }
  const ConditionExpression = expressions.condition(write.when);
  const when =
    ConditionExpression === undefined ? {} : { ConditionExpression, ...expressions.fields, ...RETURN_STANDING };
  if ('put' in write) return { Put: { TableName, Item: toDynamo(write.put), ...when } };
  if ('remove' in write) return { Delete: { TableName, Key: keyValue(write.remove), ...when } };
  return {
    ConditionCheck: {
      TableName,
      Key: keyValue(write.check),
      ConditionExpression,
      ...expressions.fields,
      ...RETURN_STANDING,
    },
  };
}
