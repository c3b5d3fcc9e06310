import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { limits } from '../aws-clients.ts';

/** A record that a service did not take; undefined: it did. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Puts records into a delivery stream of Amazon Data Firehose. */
export class FirehoseRecords {
  readonly #client: FirehoseClient;
  readonly #stream: string;

  constructor(stream: string, config: FirehoseClientConfig = {}) {
    this.#client = new FirehoseClient({ maxAttempts: 3, requestHandler: limits(2_000, 10_000), ...config });
    this.#stream = stream;
  }

  /** @returns the outcome of each, in order. @throws the errors of the SDK, where none was taken */
  async put(texts: readonly string[], abortSignal: AbortSignal): Promise<readonly (Failure | undefined)[]> {
    const Records = texts.map((text) => ({ Data: Buffer.from(`${text}\n`) }));
    const command = new PutRecordBatchCommand({ DeliveryStreamName: this.#stream, Records });
    const { RequestResponses = [] } = await this.#client.send(command, { abortSignal });
    return texts.map((_, n) => {
      const { ErrorCode: code, ErrorMessage: message = '' } = RequestResponses[n] ?? { ErrorCode: 'NoResponse' };
      return code === undefined ? undefined : { code, message };
    });
  }
}
