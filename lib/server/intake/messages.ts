import type { Preparation } from '../../event/preparation.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import type { PrivacyConfig } from '../../privacy/config/privacy-config.ts';

/** The start message of a thread. */
export interface IntakeStart {
  readonly privacy: PrivacyConfig;
  /** Of the tags in masked addresses: 32 bytes. */
  readonly maskSecret: Uint8Array;
}

/** A request to a thread. */
export type IntakeRequest = { readonly id: number; readonly preparation: Preparation } | 'stop';

/** The answer of a thread. */
export type IntakeAnswer =
  | 'ready'
  | {
      readonly id: number;
      readonly ids: readonly string[];
      /** Canonical JSON, one event a line: one text passes between threads faster than many. */
      readonly lines: string;
    }
  | { readonly id: number; readonly failure: Failure };

/** An error as plain data: it does not keep its class between threads. */
export interface Failure {
  /** Undefined for an error of ours. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly field: string | undefined;
  readonly retryAfter: number | undefined;
  /** Of an error of ours: where it came from. */
  readonly stack: string | undefined;
  /** The cause, without its class. */
  readonly cause?: Error;
  /** A mistake of the caller. */
  readonly isRange?: true;
}

export function failureOf(error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? { cause: error.cause } : {};
  if (error instanceof SealtrailError) {
    const { code, message, field, retryAfter } = error;
    return { code, message, field, retryAfter, stack: undefined, ...cause };
  }
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  const isRange = error instanceof RangeError && { isRange: true as const };
  return { code: undefined, message, field: undefined, retryAfter: undefined, stack, ...cause, ...isRange };
}

export function errorFrom({ code, message, field, retryAfter, stack, cause, isRange }: Failure): Error {
  const led = cause === undefined ? {} : { cause };
  if (code === undefined) {
    const error = isRange === true ? new RangeError(message, led) : new Error(message, led);
    return Object.assign(error, stack === undefined ? {} : { stack });
  }
  return new SealtrailError(code, message, {
    ...(field === undefined ? {} : { field }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...led,
  });
}
