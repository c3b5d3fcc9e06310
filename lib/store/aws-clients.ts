import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/**
 * The SDK's clients with limits set on purpose. Its defaults wait for ever for a connection that hangs, and a Lambda that
 * waits is paid for.
 *
 * Retries are the SDK's "standard" mode: full jitter, and a budget that stops them when everything fails. What clashes or
 * loses a race is not retried there but by the drivers, which know what it means.
 */

/**
 * Connections are kept, since to open one costs more than most requests: a function's next invocation finds them there. One
 * that was cut while the function was frozen fails with ECONNRESET, which the SDK takes for a reason to try again.
 *
 * The SDK counts the wait for a free connection as connecting. So there are more of them than requests at once, of which an
 * export's proofs have the most; its default of 50 made errors of bursts. Lambda has 1,024 open files for all of it.
 */
const CONNECTIONS = { keepAlive: true, maxSockets: 256 };

/**
 * @param connectionTimeout milliseconds to connect
 * @param requestTimeout milliseconds until the answer begins, and then between any two of its parts
 */
export const limits = (connectionTimeout: number, requestTimeout: number) => ({
  ...{ connectionTimeout, requestTimeout, socketTimeout: requestTimeout },
  ...{ httpAgent: CONNECTIONS, httpsAgent: CONNECTIONS },
  // Without this the SDK logs a warning and goes on waiting.
  throwOnRequestTimeout: true,
});

/** A transaction of 4 MB takes well under a second; four tries fit into the 30 seconds that API Gateway gives. */
const DYNAMO = limits(1_000, 5_000);
/** Objects of up to 16 MB. */
const S3 = limits(2_000, 20_000);
/** A signature takes milliseconds. An append does not wait for it long: the sealer tries again. */
const KMS = limits(1_000, 2_000);
/** A DynamoDB client for `DynamoTable`. */
export const dynamoClient = (config: DynamoDBClientConfig = {}): DynamoDBClient =>
  new DynamoDBClient({ maxAttempts: 4, requestHandler: DYNAMO, ...config });

/** An S3 client for `S3Objects`. */
export const s3Client = (config: S3ClientConfig = {}): S3Client =>
  new S3Client({ maxAttempts: 5, requestHandler: S3, ...config });

/** A KMS client for `KmsSigner`. */
export const kmsClient = (config: KMSClientConfig = {}): KMSClient =>
  new KMSClient({ maxAttempts: 3, requestHandler: KMS, ...config });
