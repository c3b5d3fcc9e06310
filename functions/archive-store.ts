import { s3Client } from '../lib/store/aws-clients.ts';
import type { Objects } from '../lib/store/ports.ts';
import { S3Objects } from '../lib/store/s3/objects.ts';
import type { Environment } from './environment.ts';

/** The locked bucket. */
export const archiveStore = ({ bucket }: Environment): Objects => new S3Objects({ client: s3Client(), bucket });
