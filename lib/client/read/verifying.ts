import { setTimeout as sleep } from 'node:timers/promises';
import type { VerificationReply, VerificationReport, VerificationRequest } from '../../contract/verification.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import type { HttpAnswer, SignedHttp } from '../http/http.ts';

/** How a verification is waited for. */
export interface VerificationWait {
  /** Ends the waiting. The log goes on with the verification. */
  readonly signal?: AbortSignal;
  /** Called with every look at one that takes long. */
  readonly onLook?: (found: VerificationReply) => void;
}

/** Milliseconds between two looks at a verification. */
const FIRST_LOOK_MS = 250;
const LOOK_MS = 2_000;

/**
 * Asks for a verification and waits for its report, however long it takes.
 *
 * @param path of the trail's verifications
 * @throws the error that it failed with, by its code
 */
export async function verifyTrail(
  http: SignedHttp,
  path: string,
  request: VerificationRequest,
  { signal, onLook }: VerificationWait,
): Promise<VerificationReport> {
  const ended = signal === undefined ? {} : { signal };
  const body = JSON.stringify(typeof request === 'string' ? { mode: request } : request);
  const answer = await http.send({ method: 'POST', path, body, ...ended });
  if (answer.status !== 202) return reportIn(answer);
  const { id } = replyIn(answer);
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(LOOK_MS, pause * 2)) {
    await sleep(pause, undefined, ended);
    const found = replyIn(await http.send({ path: `${path}/${id}`, ...ended }));
    onLook?.(found);
    if (found.report !== undefined) return found.report;
    if (found.error !== undefined) {
      const { code, message, ...where } = found.error;
      // As with problems: a newer server may know more codes.
      throw new SealtrailError(code as ErrorCode, `verification ${id} did not get through: ${message}`, where);
    }
  }
}

const REPORT = ['mode', 'verdict', 'from', 'to', 'problems', 'moreProblems', 'notLookedAt'];

// The casts: the server is taken at its word for the rest of the shape.
const reportIn = (answer: HttpAnswer): VerificationReport => requireFields(answer, REPORT) as VerificationReport;
const replyIn = (answer: HttpAnswer): VerificationReply => requireFields(answer, ['id', 'state']) as VerificationReply;

function requireFields(answer: HttpAnswer, fields: readonly string[]): unknown {
  const value = answer.json();
  if (typeof value === 'object' && value !== null && fields.every((name) => name in value)) return value;
  throw new SealtrailError('unavailable', 'the server did not answer with a report');
}
