import { setTimeout as sleep } from 'node:timers/promises';
import { itemBytes } from '../lib/store/limits.ts';
import type { Files, Item, Key, Objects, Outcome, Range, Signer, Table, Write } from '../lib/store/ports.ts';
import { MemoryFiles } from '../lib/testing/memory/files.ts';
import { MemoryObjects } from '../lib/testing/memory/objects.ts';
import { MemorySigner } from '../lib/testing/memory/signer.ts';
import { MemoryTable } from '../lib/testing/memory/table.ts';

/** How long calls take, in milliseconds: assumed. */
const LATENCY = { read: 4, transaction: 10, get: 20, put: 30, sign: 8 };

/** What AWS would bill for. */
export interface Usage {
  writeUnits: number;
  readUnits: number;
  puts: number;
  gets: number;
  signatures: number;
}

const NOTHING: Usage = { writeUnits: 0, readUnits: 0, puts: 0, gets: 0, signatures: 0 };

/** Stores in memory that take as long as AWS and count what it would bill. */
export class MeteredStores {
  usage: Usage = { ...NOTHING };
  /** Whether calls take their time. */
  takesTime = true;
  readonly table: Table;
  readonly objects: Objects;
  readonly files: Files;
  readonly signers: readonly Signer[];

  constructor() {
    this.table = this.#table(new MemoryTable());
    this.objects = this.#objects(new MemoryObjects());
    this.files = this.#files(new MemoryFiles());
    const signer = new MemorySigner();
    const { algorithm } = signer;
    this.signers = [
      {
        algorithm,
        publicKey: () => signer.publicKey(),
        sign: async (message) => {
          await this.#take(LATENCY.sign);
          this.usage.signatures += 1;
          return signer.sign(message);
        },
      },
    ];
  }

  /** What was used since the last time. */
  taken(): Usage {
    const { usage } = this;
    this.usage = { ...NOTHING };
    return usage;
  }

  async #take(milliseconds: number): Promise<void> {
    if (this.takesTime) await sleep(milliseconds);
  }

  #table(table: MemoryTable): Table {
    const read = (bytes: number): void => {
      this.usage.readUnits += Math.max(1, Math.ceil(bytes / 4096));
    };
    const get = async (key: Key): Promise<Item | undefined> => {
      await this.#take(LATENCY.read);
      const item = await table.get(key);
      read(item === undefined ? 0 : itemBytes(item));
      return item;
    };
    const take = () => this.#take(LATENCY.read);
    async function* query(range: Range): AsyncIterable<Item> {
      await take();
      let bytes = 0;
      try {
        for await (const item of table.query(range)) {
          bytes += itemBytes(item);
          yield item;
        }
      } finally {
        read(bytes);
      }
    }
    const transact = async (writes: readonly Write[]): Promise<Outcome> => {
      await this.#take(LATENCY.transaction);
      for (const write of writes) {
        const before = await table.get(keyOf(write));
        const bytes = Math.max(before ? itemBytes(before) : 0, 'put' in write ? itemBytes(write.put) : 0);
        this.usage.writeUnits += 2 * Math.max(1, Math.ceil(bytes / 1024));
      }
      return table.transact(writes);
    };
    return { get, query, transact, close: () => table.close() };
  }

  #files(files: MemoryFiles): Files {
    const call = async (kind: 'puts' | 'gets') => {
      this.usage[kind] += 1;
      await this.#take(kind === 'puts' ? LATENCY.put : LATENCY.get);
    };
    async function* listed(prefix: string) {
      await call('puts');
      yield* files.list(prefix);
    }
    return {
      create: async (key) => {
        const writer = await files.create(key);
        const finish = () => call('puts').then(() => writer.finish());
        return { write: (bytes) => writer.write(bytes), finish, abandon: () => writer.abandon() };
      },
      read: async (...args) => call('gets').then(() => files.read(...args)),
      list: listed,
      remove: (key) => files.remove(key),
    };
  }

  #objects(objects: MemoryObjects): Objects {
    const put = async () => {
      this.usage.puts += 1;
      await this.#take(LATENCY.put);
    };
    const get = async () => {
      this.usage.gets += 1;
      await this.#take(LATENCY.get);
    };
    async function* listed<T>(entries: AsyncIterable<T>): AsyncIterable<T> {
      await put();
      yield* entries;
    }
    return {
      put: async (...args) => put().then(() => objects.put(...args)),
      replace: async (...args) => put().then(() => objects.replace(...args)),
      get: async (key) => get().then(() => objects.get(key)),
      getVersion: async (...args) => get().then(() => objects.getVersion(...args)),
      list: (...args) => listed(objects.list(...args)),
      versions: (...args) => listed(objects.versions(...args)),
      hold: async (...args) => put().then(() => objects.hold(...args)),
      isHeld: async (...args) => get().then(() => objects.isHeld(...args)),
      close: () => objects.close(),
    };
  }
}

function keyOf(write: Write): Key {
  if ('put' in write) return write.put;
  if ('update' in write) return write.update;
  return 'remove' in write ? write.remove : write.check;
}
