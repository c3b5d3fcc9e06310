import { type DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb';

/** Switches off a table's deletion protection. @throws the SDK's errors */
export async function liftDeletionProtection(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
}
