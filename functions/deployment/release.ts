import * as z from 'zod';
import { dynamoClient } from '../../lib/store/aws-clients.ts';
import { cloudFormationClient, stackStatus } from '../../lib/store/cloudformation/stack-status.ts';
import { liftDeletionProtection } from '../../lib/store/dynamodb/deletion-protection.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({ Table: z.string() });

/**
 * Releases the table of a failed first deployment for deletion: the table is protected from the start, and CloudFormation
 * cannot lift that to roll back. Once deployed, a stack's table outlives the stack.
 */
export const handler = customResource(async ({ RequestType, ResourceProperties, StackId }) => {
  const { Table } = properties.parse(ResourceProperties);
  if (RequestType === 'Delete' && (await stackStatus(cloudFormationClient(), StackId)) === 'ROLLBACK_IN_PROGRESS') {
    await liftDeletionProtection(dynamoClient(), Table);
  }
  return { id: Table };
});
