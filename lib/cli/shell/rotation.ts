import type { RotationStep } from '../../server/key-rotation.ts';
import { fingerprintOf } from '../../verify/evidence/trust.ts';
import { type Terminal, write, writeLines } from '../output/terminal.ts';
import { assertServerNode } from './server-node.ts';

export interface RotationOptions {
  readonly data: string;
  readonly json?: true;
}

/** `keys rotate`: makes a second key, which signs beside the first from the next start. */
export async function rotate(terminal: Terminal, { data, json }: RotationOptions): Promise<void> {
  assertServerNode('sealtrail keys rotate');
  const { beginRotation } = await import('../../server/key-rotation.ts');
  await tell(terminal, await beginRotation(data), json, [
    'From its next start on, the log signs with this key too. Publish it, tell verifiers, and when all of them know it,',
    'run `sealtrail keys retire` with the log stopped. Lines for the key files of verifiers:',
  ]);
}

/** `keys retire`: retires the first key. */
export async function retire(terminal: Terminal, { data, json }: RotationOptions): Promise<void> {
  assertServerNode('sealtrail keys retire');
  const { completeRotation } = await import('../../server/key-rotation.ts');
  await tell(terminal, await completeRotation(data), json, [
    'This key no longer signs, and its private half was removed: destroy its copies too. What it signed stays valid, up to',
    'these sizes. Lines for the key files of verifiers, in place of those without an end:',
  ]);
}

async function tell({ stdout }: Terminal, step: RotationStep, json: true | undefined, words: string[]): Promise<void> {
  const fingerprint = fingerprintOf(step.spki);
  if (json) return write(stdout, `${JSON.stringify({ fingerprint, trust: step.trust })}\n`);
  await writeLines(stdout, [`SHA-256 fingerprint: ${fingerprint}`, '', ...words, '', ...step.trust]);
}
