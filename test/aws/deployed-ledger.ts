import {
  DeleteItemCommand,
  DeleteResourcePolicyCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  paginateScan,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { readIndexSnapshot } from '../../lib/index/format/index-state.ts';
import { dynamoClient } from '../../lib/store/aws-clients.ts';
import { attributeName, keyValue } from '../../lib/store/dynamodb/item.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import type { Key } from '../../lib/store/ports.ts';
import { EVERYTHING } from './emulated.ts';

/** The table of a deployed stack, as someone sees it who may do everything in the account. */
export class DeployedLedger {
  readonly #name: string;
  readonly #client: DynamoDBClient = dynamoClient(EVERYTHING);
  readonly #table: DynamoTable;

  constructor(tableName: string) {
    this.#name = tableName;
    this.#table = new DynamoTable({ client: this.#client, tableName });
  }

  /** How many records of a trail are in its query index. */
  async indexed(trail: string): Promise<number> {
    return (await readIndexSnapshot(this.#table, trail)).size;
  }

  /** Takes away the policy that lets no one but the log write: an administrator of the account may do that, and it shows. */
  async #unlock(): Promise<void> {
    const { Table } = await this.#client.send(new DescribeTableCommand({ TableName: this.#name }));
    await this.#client.send(new DeleteResourcePolicyCommand({ ResourceArn: Table?.TableArn }));
  }

  /** Deletes every item, as someone may who administers the account. @returns how many there were */
  async empty(): Promise<number> {
    await this.#unlock();
    let removed = 0;
    const key = { '#p': 'partition', '#s': 'sort' };
    const scan = { TableName: this.#name, ProjectionExpression: '#p, #s', ExpressionAttributeNames: key };
    for await (const { Items = [] } of paginateScan({ client: this.#client }, scan)) {
      for (const Key of Items) await this.#client.send(new DeleteItemCommand({ TableName: this.#name, Key }));
      removed += Items.length;
    }
    return removed;
  }

  /** Sets an attribute of an item to a number, as no part of the log does. */
  async forge(key: Key, attribute: string, value: number): Promise<void> {
    await this.#unlock();
    const command = new UpdateItemCommand({
      ...{ TableName: this.#name, Key: keyValue(key), UpdateExpression: 'SET #a = :forged' },
      ExpressionAttributeNames: { '#a': attributeName(attribute) },
      ExpressionAttributeValues: { ':forged': { N: String(value) } },
    });
    await this.#client.send(command);
  }

  /** Deletes an item, as no part of the log does. */
  async remove(key: Key): Promise<void> {
    await this.#unlock();
    await this.#client.send(new DeleteItemCommand({ TableName: this.#name, Key: keyValue(key) }));
  }

  async close(): Promise<void> {
    await this.#table.close();
  }
}
