import { EventBridgeClient, type EventBridgeClientConfig, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { limits } from '../aws-clients.ts';
import type { Failure } from './firehose.ts';

/** An event for a bus. */
export interface BusEvent {
  readonly detailType: string;
  /** JSON. */
  readonly detail: string;
  /** Unix milliseconds. */
  readonly time: number;
  readonly resources: readonly string[];
}

/** Puts events on a bus of Amazon EventBridge. */
export class BusEvents {
  readonly #client: EventBridgeClient;
  readonly #bus: string;
  readonly #source: string;

  constructor(bus: string, source: string, config: EventBridgeClientConfig = {}) {
    this.#client = new EventBridgeClient({ maxAttempts: 3, requestHandler: limits(2_000, 10_000), ...config });
    this.#bus = bus;
    this.#source = source;
  }

  /** @returns the outcome of each, in order. @throws the errors of the SDK, where none was taken */
  async put(events: readonly BusEvent[], abortSignal: AbortSignal): Promise<readonly (Failure | undefined)[]> {
    const command = new PutEventsCommand({
      Entries: events.map(({ detailType, detail, time, resources }) => ({
        ...{ EventBusName: this.#bus, Source: this.#source, DetailType: detailType, Detail: detail },
        ...{ Time: new Date(time), Resources: [...resources] },
      })),
    });
    const { Entries = [] } = await this.#client.send(command, { abortSignal });
    return events.map((_, n) => {
      const { ErrorCode: code, ErrorMessage: message = '' } = Entries[n] ?? { ErrorCode: 'NoResponse' };
      return code === undefined ? undefined : { code, message };
    });
  }
}
