import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { installFsck } from '../../test/outside/fsck.ts';
import { type AppendCase, AppendedLog, BATCHES, SINGLES } from '../append.ts';
import { type BenchArchive, makeBenchArchive } from '../verify.ts';
import { installPostgres, Postgres } from './postgres.ts';
import { timed } from './processes.ts';

/** A part of ours beside the program that does the most similar work, measured on one machine at one time. */
export interface Pair {
  readonly name: string;
  readonly unit: string;
  /** Whether more is better, as of a rate, or less, as of a time. */
  readonly more: boolean;
  /** Measures each once, one after the other. */
  round(): Promise<Round>;
}

export interface Round {
  readonly ours: number;
  readonly peer: number;
  /** What else is worth knowing of the round. */
  readonly also: Readonly<Record<string, number>>;
}

/** How much is measured. */
export interface Extent {
  readonly seconds: number;
  readonly records: number;
}

const CLI = resolve(import.meta.dirname, '../../bin/sealtrail.ts');
const WARM_UP_SECONDS = 2;

/** Installs the peers, starts what is to be measured, and stops all of it in the end. */
export async function withPairs<T>(extent: Extent, use: (pairs: readonly Pair[]) => Promise<T>): Promise<T> {
  await installPostgres();
  const fsck = installFsck();
  const stops: (() => Promise<void>)[] = [];
  try {
    const archive = await makeBenchArchive(extent.records);
    stops.push(() => rm(dirname(archive.folder), { recursive: true, force: true }));
    const postgres = await Postgres.start();
    stops.push(() => postgres.stop());
    const log = await AppendedLog.start();
    stops.push(() => log.stop());
    for (const each of [BATCHES, SINGLES]) {
      await log.load(each, WARM_UP_SECONDS * 1000);
      await postgres.append(each.eventsPerRequest, each.connections, WARM_UP_SECONDS);
    }
    const appends = [BATCHES, SINGLES].map((each) => appendPair(each, extent.seconds, log, postgres));
    return await use([...appends, verifyPair(archive, fsck)]);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

const appendPair = (each: AppendCase, seconds: number, log: AppendedLog, postgres: Postgres): Pair => ({
  name: `append, ${each.name}, ${each.connections} connections, and PostgreSQL 15`,
  unit: 'events/s',
  more: true,
  round: async () => {
    const ours = await log.load(each, seconds * 1000);
    const half = await log.load(each, seconds * 500, ours.eventsPerSecond / 2);
    const peer = await postgres.append(each.eventsPerRequest, each.connections, seconds);
    const also = {
      ...{ 'our p99 ms': ours.p99, 'our p99 ms at half the load': half.p99, 'its p99 ms': peer.p99 },
      ...{ 'our server µs of CPU an event': ours.cpuPerEvent, 'its server µs of CPU an event': peer.cpuPerEvent },
      'our generator cores': ours.generatorCores,
    };
    return { ours: ours.eventsPerSecond, peer: peer.eventsPerSecond, also };
  },
});

const verifyPair = ({ folder, key, vkey, trail, records }: BenchArchive, fsck: string): Pair => ({
  name: `verify ${records} records with all cores, and Tessera's fsck`,
  unit: 's',
  more: false,
  round: async () => {
    const ours = await timed(process.execPath, [CLI, 'verify', folder, '--key', key]);
    const peer = await timed(fsck, [
      ...[`--storage_url=file://${join(folder, trail)}/`, `--public_key=${vkey}`],
      ...['--ui=false', '--N=16', '--logtostderr'],
    ]);
    // It exits with 0 whatever it finds.
    if (!peer.said.includes("Successfully fsck'd")) throw new Error(`fsck said: ${peer.said}`);
    const also = { 'our s of CPU': ours.cpu, 'its s of CPU': peer.cpu };
    return { ours: ours.seconds, peer: peer.seconds, also };
  },
});
