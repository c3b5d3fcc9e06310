import type { APIGatewayProxyStructuredResultV2 as Answer, LambdaFunctionURLEvent } from 'aws-lambda';
import * as z from 'zod';
import { dynamoClient, kmsClient } from '../lib/store/aws-clients.ts';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../lib/store/kms/signer.ts';
import { parseLogList } from '../lib/witness/log-list.ts';
import { answerRequest } from '../lib/witness/requests.ts';
import { Witness } from '../lib/witness/witness.ts';
import { describe, logger, withTelemetry } from './telemetry.ts';

/** As the construct `SealtrailWitness` sets it. */
const environment = z
  .object({
    WITNESS_TABLE: z.string().min(1),
    WITNESS_KEY: z.string().min(1),
    WITNESS_NAME: z.string().min(1),
    WITNESS_LOGS: z.string(),
  })
  .parse(process.env);

const logs = parseLogList(environment.WITNESS_LOGS);
const witness = new Witness({
  table: new DynamoTable({ client: dynamoClient(), tableName: environment.WITNESS_TABLE }),
  signer: new KmsSigner({ client: kmsClient(), keyId: environment.WITNESS_KEY, algorithm: 'ed25519' }),
  name: environment.WITNESS_NAME,
  logs: async () => logs,
});

/** A witness behind a function URL (C2SP tlog-witness). */
export const handler = withTelemetry(async (event: LambdaFunctionURLEvent): Promise<Answer> => {
  const { rawPath: path, requestContext, body = '', isBase64Encoded } = event;
  const { method } = requestContext.http;
  try {
    const read = async () => Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
    const { status, type, body: text } = await answerRequest(witness, { method, path, read });
    return { statusCode: status, headers: { 'content-type': type }, body: method === 'HEAD' ? '' : text };
  } catch (error) {
    logger.error('a request could not be answered', describe(error));
    return { statusCode: 503, headers: { 'content-type': 'text/plain', 'retry-after': '5' }, body: 'try again\n' };
  }
});
