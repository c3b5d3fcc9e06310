import * as z from 'zod';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { emptyBucket } from '../../lib/store/s3/empty.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({ Bucket: z.string() });

/**
 * Empties a bucket when its stack is deleted, governance locks notwithstanding: CloudFormation deletes empty buckets only.
 * Deployed in the stage `dev` alone.
 */
export const handler = customResource(async ({ RequestType, ResourceProperties }) => {
  const { Bucket } = properties.parse(ResourceProperties);
  if (RequestType === 'Delete') await emptyBucket(s3Client(), Bucket);
  return { id: Bucket };
});
