import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { deployedLog } from './deployment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';

/** Answers queries and proofs. It writes nothing and signs nothing. */
export const handler = handlerOf((event: GatewayEvent) =>
  answer(event, { services: deployedLog, actions: ['read', 'verify', 'export'] }),
);
