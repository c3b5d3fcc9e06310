import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type AuditLogger, createAuditLogger, type LogEvent, MemorySink } from '../../../lib/client/index.ts';

/** A provider of models on this machine, that answers as it is told. */
export interface Provider {
  readonly url: string;
  /** Bodies that it got. */
  readonly bodies: unknown[];
  close(): Promise<unknown>;
}

/** What it answers: JSON, or events of a stream; a number is a status before. */
export type Answer = {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly events?: readonly string[];
};

/** @param answers one after the other; the last one again and again */
export async function provider(...answers: readonly Answer[]): Promise<Provider> {
  const bodies: unknown[] = [];
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    text(incoming).then((body) => {
      const { status = 200, headers = {}, json, events } = answers[Math.min(bodies.length, answers.length - 1)] ?? {};
      bodies.push(JSON.parse(body));
      const type = events === undefined ? 'application/json' : 'text/event-stream';
      outgoing.writeHead(status, { 'content-type': type, 'x-request-id': 'req-1', ...headers });
      if (events === undefined) outgoing.end(JSON.stringify(json));
      else {
        for (const event of events) outgoing.write(event);
        outgoing.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url: `http://127.0.0.1:${port}`, bodies, close };
}

/** A logger with the redaction that it has by default, and what it logged. */
export function heard(): { audit: AuditLogger; events: () => LogEvent[] } {
  const memory = new MemorySink();
  const audit = createAuditLogger({ sinks: [memory] });
  return { audit, events: () => memory.events.map(({ id, time, ...event }) => event as unknown as LogEvent) };
}

/** Events as a stream sends them. */
export const sse = (...data: readonly object[]): string[] =>
  data.map((one) => `event: ${Reflect.get(one, 'type') ?? 'message'}\ndata: ${JSON.stringify(one)}\n\n`);
