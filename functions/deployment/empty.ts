import * as z from 'zod';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { emptyBucket } from '../../lib/store/s3/empty.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({ Bucket: z.string() });

/** What is left of the invocation's time to tell CloudFormation, which would wait for an hour otherwise. */
const MARGIN_MS = 30_000;

/**
 * Empties a bucket when its stack is deleted, governance locks notwithstanding: CloudFormation deletes empty buckets only.
 * Deployed in the stage `dev` alone.
 */
export const handler = customResource(async ({ RequestType, ResourceProperties }, context) => {
  const { Bucket } = properties.parse(ResourceProperties);
  const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS));
  if (RequestType === 'Delete') await emptyBucket(s3Client(), Bucket, signal);
  return { id: Bucket };
});
