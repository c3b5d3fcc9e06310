import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import type { Services } from '../lib/api/services.ts';
import { SealtrailError } from '../lib/log/error.ts';
import { environmentOf } from './environment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { once, openServices } from './services.ts';

/** What takes events in has no way to the archive, to write or to read. */
const services = once(async (): Promise<Services> => {
  const environment = environmentOf(process.env);
  const seal = (trail: string) =>
    Promise.reject(new SealtrailError('forbidden', `not allowed: admin on trail ${trail}`));
  return { ...(await openServices(ledgerStores(environment), environment)), archiver: { seal } };
});

/** Takes events in. */
export const handler = handlerOf((event: GatewayEvent) => answer(event, { services, actions: ['append'] }));
