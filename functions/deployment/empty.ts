import * as z from 'zod';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { emptyBucket } from '../../lib/store/s3/empty.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({ Bucket: z.string() });

/** Time reserved for responding to CloudFormation, which would otherwise wait for an hour. */
const MARGIN_MS = 30_000;

/**
 * Empties a bucket when its stack is deleted, despite governance locks, because CloudFormation deletes only empty buckets.
 * Deployed only in the stage `dev`.
 */
export const handler = customResource(async ({ RequestType, ResourceProperties }, context) => {
  const { Bucket } = properties.parse(ResourceProperties);
  const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS));
  if (RequestType === 'Delete') await emptyBucket(s3Client(), Bucket, signal);
  return { id: Bucket };
});
