import * as z from 'zod';
import { dynamoClient } from '../../lib/store/aws-clients.ts';
import { cloudFormationClient, stackStatus } from '../../lib/store/cloudformation/stack-status.ts';
import { liftDeletionProtection } from '../../lib/store/dynamodb/deletion-protection.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({ Table: z.string() });

/**
 * Lets the table of a first deployment go when that fails and is rolled back: it is protected from deletion from its first
 * moment, and CloudFormation cannot lift that. A stack that was deployed keeps its table, whatever becomes of the stack.
 */
export const handler = customResource(async ({ RequestType, ResourceProperties, StackId }) => {
  const { Table } = properties.parse(ResourceProperties);
  if (RequestType === 'Delete' && (await stackStatus(cloudFormationClient(), StackId)) === 'ROLLBACK_IN_PROGRESS') {
    await liftDeletionProtection(dynamoClient(), Table);
  }
  return { id: Table };
});
