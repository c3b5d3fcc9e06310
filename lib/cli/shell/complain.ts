import { SealtrailError } from '../../log/error.ts';
import type { Output } from '../output/terminal.ts';

/** Writes one line of JSON for the operator: what failed, and all that is known about the cause. */
export function complain(stderr: Output, source: object, error: unknown): void {
  const causes: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && causes.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    causes.push(
      at instanceof SealtrailError
        ? `${at.code}: ${at.message}`
        : at instanceof Error
          ? (at.stack ?? at.message)
          : String(at),
    );
  }
  stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...source, causes })}\n`);
}
