import { dynamoClient } from '../lib/store/aws-clients.ts';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import type { Table } from '../lib/store/ports.ts';
import type { Environment } from './environment.ts';
import { countRetry } from './telemetry.ts';

/** The ledger's table. Its client finds region, credentials and endpoint as every AWS SDK does. */
export const ledgerTable = ({ table }: Pick<Environment, 'table'>): Table =>
  new DynamoTable({ client: dynamoClient(), tableName: table, onRetry: countRetry });
