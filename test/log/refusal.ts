import { type ErrorCode, SealtrailError } from '../../lib/log/error.ts';

/** What a call was refused with. Undefined: it was not refused. Any other class of error is a defect and passes through. */
export function refusal(call: () => unknown): { code: ErrorCode; message: string } | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return { code: error.code, message: error.message };
  }
}
