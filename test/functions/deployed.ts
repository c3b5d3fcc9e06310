import type { APIGatewayProxyStructuredResultV2 as GatewayResult } from 'aws-lambda';
import { type Deployment, openDeployment } from '../../functions/deployment.ts';
import { answer } from '../../functions/gateway.ts';
import type { Action } from '../../lib/api/principal.ts';
import { MemoryObjects } from '../../lib/store/memory/objects.ts';
import { MemoryTable } from '../../lib/store/memory/table.ts';
import { TestSigner } from '../ledger/fixture.ts';
import { type Call, gatewayEvent } from './events.ts';

/** A deployment over stores in memory. */
export interface Deployed {
  readonly log: Deployment;
  readonly table: MemoryTable;
  readonly objects: MemoryObjects;
  readonly signer: TestSigner;
  /** A call through a function that may do `actions`. @default all */
  call(call: Call, actions?: readonly Action[]): Promise<GatewayResult>;
}

export async function deploy(): Promise<Deployed> {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const signer = new TestSigner();
  const log = await openDeployment(
    { table, objects, signer },
    { logName: 'audit.example.com', privacy: {}, archiveDays: 1 },
  );
  const all: readonly Action[] = ['append', 'read', 'admin'];
  return {
    log,
    table,
    objects,
    signer,
    call: (call, actions = all) => answer(gatewayEvent(call), { services: async () => log, actions }),
  };
}

export const APPEND = 'POST /v1/trails/{trail}/events';
export const QUERY = 'GET /v1/trails/{trail}/events';

/** An append of one event. */
export const append = (trail: string, event: object = { type: 'data.update', actor: { id: 'ann' } }): Call => ({
  route: APPEND,
  parameters: { trail },
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(event),
});

/** What an answer holds, uncompressed JSON. */
export const bodyOf = (result: GatewayResult): Record<string, unknown> => JSON.parse(result.body ?? 'null');
