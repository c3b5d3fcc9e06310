import { once } from 'node:events';
import { openWitness } from '../../witness/folder/open-witness.ts';
import { serveWitness } from '../../witness/folder/serve-witness.ts';
import { type Terminal, write } from '../output/terminal.ts';
import { complain } from './complain.ts';

/** Options of `sealtrail witness`. */
export interface WitnessCommandOptions {
  readonly data: string;
  readonly name: string;
  readonly port: number;
  readonly host: string;
}

/** Runs a witness until the user stops it, then finishes pending work. */
export async function witness({ stdout, stderr, signal }: Terminal, options: WitnessCommandOptions): Promise<void> {
  const { data, name, host, port } = options;
  const opened = await openWitness(data, name);
  try {
    const onError = (error: unknown): void => complain(stderr, {}, error);
    const server = await serveWitness(opened.witness, { host, port, onError });
    try {
      const vkeys = (await opened.witness.cosigners()).map(({ vkey }) => `${vkey}\n`);
      await write(stdout, `listening on ${server.url}\n${vkeys.join('')}`);
      await write(stderr, `The logs that it knows are in ${opened.logsFile}. Ctrl-C stops.\n`);
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await server.close();
    }
  } finally {
    await opened.close();
  }
}
