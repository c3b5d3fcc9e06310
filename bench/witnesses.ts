import { setTimeout as sleep } from 'node:timers/promises';
import { type Cosigner, cosignatureLine, cosignatureMessage, cosignerFromSpki } from '../lib/log/cosignature.ts';
import { parseNote } from '../lib/log/note.ts';
import { type Policy, parsePolicy } from '../lib/log/policy.ts';
import type { Signer } from '../lib/store/ports.ts';
import { MemorySigner } from '../lib/testing/memory/signer.ts';

/** How long a witness somewhere on the Internet takes to answer. */
const ANSWER_MS = 200;

interface BenchWitness {
  readonly cosigner: Cosigner;
  readonly signer: Signer;
}

/** Three witnesses that believe everything, in place of the network. */
export class BenchWitnesses {
  readonly policy: Policy;
  readonly #byHost: ReadonlyMap<string, BenchWitness>;

  private constructor(byHost: ReadonlyMap<string, BenchWitness>) {
    this.#byHost = byHost;
    const lines = [...byHost].map(([host, { cosigner }], n) => `witness W${n} ${cosigner.vkey} https://${host}/\n`);
    this.policy = parsePolicy(`${lines.join('')}group two 2 W0 W1 W2\nquorum two\n`);
  }

  static async stand(): Promise<BenchWitnesses> {
    const hosts = ['w1.example', 'w2.example', 'w3.example'];
    const made = hosts.map(async (host) => {
      const signer = new MemorySigner();
      return [host, { cosigner: cosignerFromSpki(host, await signer.publicKey()), signer }] as const;
    });
    return new BenchWitnesses(new Map(await Promise.all(made)));
  }

  /** Answers whatever is fetched meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const { fetch } = globalThis;
    globalThis.fetch = (url, init) => this.#answer(new URL(String(url)).host, String(init?.body));
    try {
      return await work();
    } finally {
      globalThis.fetch = fetch;
    }
  }

  async #answer(host: string, body: string): Promise<Response> {
    await sleep(ANSWER_MS);
    const witness = this.#byHost.get(host);
    if (witness === undefined) throw new RangeError(`no witness at ${host}`);
    const { cosigner, signer } = witness;
    const { text } = parseNote(body.slice(body.indexOf('\n\n') + 2));
    const seconds = Math.floor(Date.now() / 1000);
    return new Response(
      cosignatureLine(cosigner, seconds, await signer.sign(cosignatureMessage(cosigner, text, seconds))),
    );
  }
}
