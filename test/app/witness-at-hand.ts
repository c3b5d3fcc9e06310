import { HEADS_TRAIL } from '../../lib/contract/system-trails.ts';
import { verifierFromSpki } from '../../lib/log/note.ts';
import type { Signer } from '../../lib/store/ports.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { serveWitness } from '../../lib/witness/folder/serve-witness.ts';
import { Witness } from '../../lib/witness/witness.ts';

/** A witness on loopback that knows one log, and the policy that wants it. */
export interface WitnessAtHand {
  readonly policy: string;
  close(): Promise<void>;
}

export async function witnessAtHand(logName: string, signer: Signer): Promise<WitnessAtHand> {
  const origin = `${logName}/${HEADS_TRAIL}`;
  const logs = async () => new Map([[origin, [verifierFromSpki(origin, await signer.publicKey())]]]);
  const witness = new Witness({ table: new MemoryTable(), signer: new MemorySigner(), name: 'w.example', logs });
  const onError = (error: unknown): never => {
    throw error;
  };
  const { url, close } = await serveWitness(witness, { onError });
  return { policy: `witness W ${(await witness.cosigner()).vkey} ${url}\nquorum W\n`, close };
}
