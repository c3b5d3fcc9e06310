import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/**
 * AWS clients with deliberate limits. By default the SDK waits for ever on a hanging connection, and a waiting Lambda
 * costs money.
 *
 * Retries use the SDK's "standard" mode: full jitter, and a budget that stops them when everything fails. Clashes and lost
 * races are retried by the drivers instead, which know what they mean.
 */

/**
 * Connections are kept alive across invocations, since opening one costs more than most requests. One that was cut while
 * the function was frozen fails with ECONNRESET, which the SDK retries.
 *
 * The SDK counts waiting for a free connection as connection time, so this exceeds the most concurrent requests, those of
 * an export's proofs; with its default of 50, bursts failed. Lambda allows 1,024 open files in all.
 */
const CONNECTIONS = { keepAlive: true, maxSockets: 256 };

/**
 * @param connectionTimeout milliseconds to connect
 * @param requestTimeout milliseconds until the response begins, and then between any two of its parts
 */
export const limits = (connectionTimeout: number, requestTimeout: number) => ({
  ...{ connectionTimeout, requestTimeout, socketTimeout: requestTimeout },
  ...{ httpAgent: CONNECTIONS, httpsAgent: CONNECTIONS },
  // Without this the SDK logs a warning and keeps waiting.
  throwOnRequestTimeout: true,
});

/** A transaction of 4 MB takes well under a second; four attempts fit into API Gateway's 30 seconds. */
const DYNAMO = limits(1_000, 5_000);
/** Objects of up to 16 MB. */
const S3 = limits(2_000, 20_000);
/** A signature takes milliseconds. An append does not wait longer, because the sealer retries. */
const KMS = limits(1_000, 2_000);
/** Whatever `AWS_RETRY_MODE` says: the bundles of the functions have no other mode. */
const STANDARD = { retryMode: 'standard' } as const;

/** A DynamoDB client for `DynamoTable`. */
export const dynamoClient = (config: DynamoDBClientConfig = {}): DynamoDBClient =>
  new DynamoDBClient({ maxAttempts: 4, ...STANDARD, requestHandler: DYNAMO, ...config });

/** An S3 client for `S3Objects`. */
export const s3Client = (config: S3ClientConfig = {}): S3Client =>
  new S3Client({ maxAttempts: 5, ...STANDARD, requestHandler: S3, ...config });

/** A KMS client for `KmsSigner`. */
export const kmsClient = (config: KMSClientConfig = {}): KMSClient =>
  new KMSClient({ maxAttempts: 3, ...STANDARD, requestHandler: KMS, ...config });
