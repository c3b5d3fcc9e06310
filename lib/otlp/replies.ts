import type { Encoding, Signal } from './requests.ts';

/** Log records or spans that were not taken, and why. */
export interface Rejection {
  readonly count: number;
  readonly message: string;
}

/**
 * The answer to a request that was taken, whole or in part (OTLP 1.x, "Full Success", "Partial Success"): a client sends nothing of
 * it again.
 */
export async function otlpReply(
  signal: Signal,
  encoding: Encoding,
  rejection: Rejection | undefined,
): Promise<{ readonly type: string; readonly body: string | Uint8Array }> {
  if (encoding === 'json') {
    const rejected = signal === 'logs' ? 'rejectedLogRecords' : 'rejectedSpans';
    const partialSuccess = rejection && { [rejected]: String(rejection.count), errorMessage: rejection.message };
    return { type: 'application/json', body: JSON.stringify(partialSuccess === undefined ? {} : { partialSuccess }) };
  }
  const type = 'application/x-protobuf';
  if (rejection === undefined) return { type, body: new Uint8Array(0) };
  const { BinaryWriter, WireType } = await import('@bufbuild/protobuf/wire');
  // Export…ServiceResponse: partial_success = 1, of rejected_… = 1 and error_message = 2, for both signals.
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).int64(rejection.count);
  writer.tag(2, WireType.LengthDelimited).string(rejection.message).join();
  return { type, body: writer.finish() };
}
