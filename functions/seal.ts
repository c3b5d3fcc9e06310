import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { deployedLog } from './deployment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';

/** Seals a trail on request. Beside `follow` it is the one function that writes the archive. */
export const handler = handlerOf((event: GatewayEvent) => answer(event, { services: deployedLog, actions: ['admin'] }));
