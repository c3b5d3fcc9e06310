import { wireLog } from '../../../lib/app/log.ts';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { HeadStatements } from '../../../lib/followers/heads/head-statements.ts';
import { Sealer } from '../../../lib/followers/signing/head-signer.ts';
import type { Send } from '../../../lib/followers/witnesses/witness-client.ts';
import { WitnessFollower, type WitnessSettings } from '../../../lib/followers/witnesses/witness-follower.ts';
import { verifierFromSpki } from '../../../lib/log/note.ts';
import { type Policy, parsePolicy } from '../../../lib/log/policy.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import type { LogKeys } from '../../../lib/witness/log-list.ts';
import { Witness } from '../../../lib/witness/witness.ts';

export const LOG_NAME = 'audit.example.com';
export const HEADS_ORIGIN = `${LOG_NAME}/_heads`;

/** Witnesses W1 to W3 in memory, at `https://w1.example/` and so on, and a policy that wants two of them. */
export class Witnesses {
  readonly signer = new MemorySigner();
  readonly #down = new Set<string>();
  readonly #made = new Map<string, Witness>();
  readonly requests: string[] = [];
  /** By which they date what they cosign, Unix milliseconds. */
  now = Date.now();

  async policy(): Promise<Policy> {
    return parsePolicy(await this.policyText());
  }

  async policyText(): Promise<string> {
    const lines = [1, 2, 3].map(async (n) => {
      const witness = this.at(`w${n}.example`);
      return `witness W${n} ${(await witness.cosigner()).vkey} https://w${n}.example\n`;
    });
    return `${(await Promise.all(lines)).join('')}group two 2 W1 W2 W3\nquorum two\n`;
  }

  at(host: string): Witness {
    const known = this.#made.get(host);
    if (known !== undefined) return known;
    const logs = async (): Promise<LogKeys> =>
      new Map([[HEADS_ORIGIN, [verifierFromSpki(HEADS_ORIGIN, await this.signer.publicKey())]]]);
    const made = new Witness({
      table: new MemoryTable(),
      signer: new MemorySigner(),
      name: host,
      logs,
      now: () => this.now,
    });
    this.#made.set(host, made);
    return made;
  }

  stop(...hosts: readonly string[]): void {
    for (const host of hosts) this.#down.add(host);
  }

  start(...hosts: readonly string[]): void {
    for (const host of hosts) this.#down.delete(host);
  }

  readonly send: Send = async (url, body) => {
    const { host, pathname } = new URL(url);
    this.requests.push(`${host} ${body?.split('\n')[0] ?? pathname.slice(-11)}`);
    if (this.#down.has(host)) throw new TypeError('fetch failed', { cause: new Error(`connect ECONNREFUSED ${host}`) });
    if (body !== undefined) return this.at(host).addCheckpoint(Buffer.from(body));
    return this.at(host).readCheckpoint(pathname.split('/')[1] ?? '');
  };
}

/** What a log in memory stores. */
interface Stored {
  readonly partitions: ConstructorParameters<typeof MemoryTable>[0];
  readonly versions: ConstructorParameters<typeof MemoryObjects>[1];
}

/** A log whose heads are stated and witnessed, over stores in memory. */
export class WitnessedLog {
  readonly table: MemoryTable;
  readonly objects: MemoryObjects;
  readonly log: ReturnType<typeof wired>;
  readonly follower: WitnessFollower;
  readonly heads: HeadStatements;
  readonly #archiver: Archiver;
  readonly #sealer: Sealer;
  readonly stored: Stored;
  readonly #made: readonly [Witnesses, WitnessSettings];
  now = Date.now();

  constructor(
    witnesses: Witnesses,
    settings: WitnessSettings,
    stored: Stored = { partitions: new Map(), versions: new Map() },
  ) {
    this.#made = [witnesses, settings];
    this.stored = stored;
    this.table = new MemoryTable(stored.partitions);
    this.objects = new MemoryObjects(Date.now, stored.versions);
    const now = (): number => this.now;
    this.log = wired(this.table, this.objects, witnesses);
    const { table, ledger, objects, nodes } = this.log;
    this.#archiver = new Archiver({ table, ledger, objects });
    this.#sealer = new Sealer({ ledger });
    const { everyMs } = settings;
    this.heads = new HeadStatements({ table, ledger, isOn: true, now, ...(everyMs !== undefined && { everyMs }) });
    this.follower = new WitnessFollower({ table, ledger, objects, nodes, settings, send: witnesses.send, now });
  }

  /** Another log over a copy of what this one stores now. */
  copy(): WitnessedLog {
    return new WitnessedLog(...this.#made, structuredClone(this.stored));
  }

  async append(trail: string, count = 1): Promise<void> {
    const events = Array.from({ length: count }, (_, n) => ({ id: `e-${n}`, json: `{"id":"e-${n}","type":"a.b"}` }));
    await this.log.ledger.append({ trail, submitter: 'shop', events });
  }

  /** Archives the trails, states their heads, and archives those. */
  async state(...trails: readonly string[]): Promise<void> {
    for (const trail of [...trails, '_heads']) {
      await this.#sealer.run(trail, { force: true });
      await this.#archiver.run(trail, { force: true });
      await this.heads.run(trail);
    }
  }

  async witness(...trails: readonly string[]): Promise<void> {
    await this.state(...trails);
    await this.follower.run('_heads');
  }

  /** The events of a system trail. */
  async events(trail: string): Promise<{ type: string; details: Record<string, unknown>; [name: string]: unknown }[]> {
    const found = [];
    for await (const { lines } of this.log.ledger.blocks(trail, { from: 0, to: 1000 })) {
      for (const line of lines) found.push(JSON.parse(line).event);
    }
    return found;
  }
}

const wired = (table: MemoryTable, objects: MemoryObjects, { signer }: Witnesses) =>
  wireLog({ table, objects, files: new MemoryFiles(), signers: [signer] }, { logName: LOG_NAME });
