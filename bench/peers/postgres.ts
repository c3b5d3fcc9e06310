import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventOf } from '../append.ts';
import { output } from './processes.ts';

/**
 * PostgreSQL 15 as an audit log that people build for themselves: a table whose rows carry the hash of the row before, the
 * chain computed in the database, four indexes, and every commit on the disk. It signs and proves nothing, and trusts its callers.
 */

/** Debian's. */
const BIN = '/usr/lib/postgresql/15/bin';
/** Request texts that pgbench draws from. */
const SCRIPTS = 16;

/**
 * The head's row lock puts appends in line: a chain has one end. Lines are checked and hashed as they are, and indexed by the
 * questions that are asked most.
 */
const SCHEMA = `
  CREATE TABLE head (size bigint NOT NULL, hash bytea NOT NULL);
  INSERT INTO head VALUES (0, decode(repeat('00', 32), 'hex'));
  CREATE TABLE audit (
    seq bigint PRIMARY KEY, received_at timestamptz NOT NULL, prev bytea NOT NULL, hash bytea NOT NULL,
    actor text NOT NULL, type text NOT NULL, resource text, event jsonb NOT NULL
  );
  CREATE INDEX audit_actor ON audit (actor, seq);
  CREATE INDEX audit_type ON audit (type, seq);
  CREATE INDEX audit_resource ON audit (resource, seq);
  CREATE FUNCTION append_events(events jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    first bigint; n bigint; last bytea; link bytea; event jsonb; at timestamptz;
    seqs bigint[] := '{}'; prevs bytea[] := '{}'; hashes bytea[] := '{}'; lines jsonb[] := '{}';
  BEGIN
    SELECT size, hash INTO first, last FROM head FOR UPDATE;
    at := clock_timestamp();
    n := first;
    FOR event IN SELECT jsonb_array_elements(events) LOOP
      link := sha256(last || convert_to(n::text || at::text || event::text, 'UTF8'));
      seqs := seqs || n; prevs := prevs || last; hashes := hashes || link; lines := lines || event;
      last := link;
      n := n + 1;
    END LOOP;
    INSERT INTO audit
      SELECT s, at, p, h, e #>> '{actor,id}', e ->> 'type', e #>> '{resource,id}', e
      FROM unnest(seqs, prevs, hashes, lines) AS rows (s, p, h, e);
    UPDATE head SET size = n, hash = last;
    RETURN first;
  END $$;
`;

/** Memory as for a small server, and the durability that PostgreSQL has by default, said aloud. */
const SETTINGS = {
  listen_addresses: "''",
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
};

/** Installs Debian's package unless it is there. */
export async function installPostgres(): Promise<void> {
  if (existsSync(join(BIN, 'pgbench'))) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await output('apt-get', ['update', '-qq'], { env });
  await output('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'postgresql-common'], { env });
  // Otherwise the package makes a server of its own, and starts it.
  await mkdir('/etc/postgresql-common/createcluster.d', { recursive: true });
  await writeFile('/etc/postgresql-common/createcluster.d/bench.conf', 'create_main_cluster = false\n');
  await output('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'postgresql-15'], { env });
}

export interface PostgresRate {
  readonly eventsPerSecond: number;
  /** Milliseconds, of whole requests. */
  readonly p99: number;
  /** Of the server, all of its processes, in microseconds of processor time. */
  readonly cpuPerEvent: number;
}

/** A server of its own in a temporary folder, reached over a Unix socket. */
export class Postgres {
  readonly #folder: string;
  readonly #stop: () => Promise<void>;

  private constructor(folder: string, stop: () => Promise<void>) {
    this.#folder = folder;
    this.#stop = stop;
  }

  static async start(): Promise<Postgres> {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-postgres-'));
    await chmod(folder, 0o777); // initdb and the server refuse to be root
    const data = join(folder, 'data');
    await asPostgres('initdb', ['--pgdata', data, '--auth=trust', '--no-sync', '--username=postgres']);
    const options = Object.entries({ ...SETTINGS, unix_socket_directories: `'${folder}'` });
    const lines = options.map(([name, value]) => `${name} = ${value}\n`);
    await output('sh', ['-c', 'cat >> "$1"', 'sh', join(data, 'postgresql.conf')], { input: lines.join('') });
    const [command, args] = postgresCommand('postgres', ['-D', data]);
    const server = spawn(command, args, { stdio: 'ignore' });
    const stop = async (): Promise<void> => {
      const ended = once(server, 'exit');
      await asPostgres('pg_ctl', ['--pgdata', data, '--mode=fast', 'stop']);
      await ended;
      await rm(folder, { recursive: true, force: true });
    };
    const postgres = new Postgres(folder, stop);
    await asPostgres('pg_isready', ['--host', folder, '--quiet', '--timeout=0'], { tries: 100 });
    await postgres.#psql(SCHEMA);
    return postgres;
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  /** Appends for so many seconds over so many connections, with the load generator that comes with PostgreSQL. */
  async append(eventsPerRequest: number, connections: number, seconds: number): Promise<PostgresRate> {
    const files = await Promise.all(
      Array.from({ length: SCRIPTS }, async (_, n) => {
        const events = Array.from({ length: eventsPerRequest }, (_, index) => eventOf(n, index, eventsPerRequest));
        const file = join(this.#folder, `append-${eventsPerRequest}-${n}.sql`);
        await writeFile(file, `SELECT append_events('${JSON.stringify(events)}');\n`);
        return file;
      }),
    );
    const log = await mkdtemp(join(this.#folder, 'log-'));
    await chmod(log, 0o777);
    const before = await this.#cpuSeconds();
    const said = await asPostgres('pgbench', [
      ...['--host', this.#folder, '--username=postgres', '--no-vacuum', '--protocol=simple'],
      ...[`--client=${connections}`, `--time=${seconds}`, '--log', `--log-prefix=${join(log, 'p')}`],
      ...files.map((file) => `--file=${file}`),
      'postgres',
    ]);
    const rate = /^tps = ([\d.]+)/m.exec(said)?.[1];
    const failed = /^number of failed transactions: (\d+)/m.exec(said)?.[1];
    if (rate === undefined || failed !== '0') throw new Error(`pgbench said:\n${said}`);
    const done = /^number of transactions actually processed: (\d+)/m.exec(said)?.[1];
    const cpu = (await this.#cpuSeconds()) - before;
    return {
      eventsPerSecond: Number(rate) * eventsPerRequest,
      p99: await p99Of(log),
      cpuPerEvent: (cpu * 1e6) / (Number(done) * eventsPerRequest),
    };
  }

  /** Of the server and of the connections' processes that have ended (Linux, proc(5): in ticks of 10 ms). */
  async #cpuSeconds(): Promise<number> {
    const script = 'cat /proc/$(head -n 1 "$1")/stat';
    const stat = await asPostgres('sh', ['-c', script, 'sh', join(this.#folder, 'data/postmaster.pid')]);
    const times = stat
      .replace(/^.*\) /s, '')
      .split(' ')
      .slice(11, 15);
    return times.reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
  }

  async #psql(script: string): Promise<void> {
    const args = ['--host', this.#folder, '--username=postgres', '--quiet', '--set=ON_ERROR_STOP=1', 'postgres'];
    await asPostgres('psql', args, { input: script });
  }
}

/** The third field of each line of pgbench's log is a request's time in microseconds. */
async function p99Of(log: string): Promise<number> {
  const text = await output('sh', ['-c', 'cat "$1"/*', 'sh', log]);
  const times = Float64Array.from(text.trimEnd().split('\n'), (line) => Number(line.split(' ')[2]) / 1000).sort();
  return times[Math.floor(0.99 * (times.length - 1))] ?? Number.NaN;
}

/** PostgreSQL refuses to run as root, which is who CI is. */
function postgresCommand(program: string, args: readonly string[]): [command: string, args: string[]] {
  const file = program === 'sh' ? program : join(BIN, program);
  return process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', file, ...args]] : [file, [...args]];
}

async function asPostgres(
  program: string,
  args: readonly string[],
  { tries = 1, input }: { readonly tries?: number; readonly input?: string } = {},
): Promise<string> {
  const [command, all] = postgresCommand(program, args);
  for (let left = tries; ; left--) {
    try {
      return await output(command, all, { cwd: tmpdir(), ...(input === undefined ? {} : { input }) });
    } catch (error) {
      if (left <= 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
