import * as z from 'zod';
import type { SignedHttp } from '../../client/http/http.ts';
import type { KeysReply, ListedTrail, PublicKey } from '../../contract/replies.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import { MAX_CLOCK_AHEAD_MS } from '../../log/record.ts';
import { count, plural } from '../output/terminal.ts';
import { listTrails } from '../shell/trails.ts';
import { type Check, check, ok, problem, unknown, warning } from './check.ts';

/** A signature is good for five minutes around the server's time; half of that is too much for a clock. */
const MAX_SKEW_MS = 150_000;
/** Trails of which the checkpoints are asked for. */
const MAX_TRAILS = 50;

/** Of each trail, to see whether producers' clocks are right. */
const LOOKED_AT = 100;

const recordsSchema = z.object({
  records: z.array(z.object({ receivedAt: z.number(), event: z.object({ time: z.string().optional() }) })),
});
const keysSchema = z.object({
  logName: z.string(),
  keys: z.array(
    z.object({ algorithm: z.string(), fingerprint: z.string() } satisfies Record<
      keyof Pick<PublicKey, 'algorithm' | 'fingerprint'>,
      unknown
    >),
  ),
} satisfies Record<keyof Pick<KeysReply, 'logName' | 'keys'>, unknown>);

/** Checks a log over its API, with the credentials that are given. */
export async function checkServer(http: SignedHttp, now: () => number = Date.now): Promise<Check[]> {
  let date: string | null = null;
  const server = await check('server', async () => {
    const began = performance.now();
    const answer = await http.send({ path: '/v1/keys' });
    const { logName, keys } = read(keysSchema, answer.json());
    date = answer.headers.get('date');
    const kinds = [...new Set(keys.map(({ algorithm, fingerprint }) => `${algorithm} ${fingerprint}`))];
    const signedBy = kinds.length === 0 ? '' : `; signs with ${kinds.join(', ')}`;
    return ok(
      `${http.endpoint.origin} is the log ${logName}, ${Math.round(performance.now() - began)} ms away${signedBy}`,
    );
  });
  if (server.state === 'problem') return [server];
  const clock = await check('clock', async () => checkClock(date, now()));
  return [server, clock, ...(await checkTrails(http, now))];
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new SealtrailError('unavailable', 'what answers there is not a log of this version', { cause: parsed.error });
}

function checkClock(date: string | null, now: number) {
  const skew = date === null ? Number.NaN : now - Date.parse(date);
  if (Number.isNaN(skew)) return unknown('the server does not say its time');
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (Math.abs(skew) <= MAX_SKEW_MS) return ok(`within ${plural(seconds, 'second')} of the server's`);
  return problem(
    `${plural(seconds, 'second')} ${skew > 0 ? 'ahead of' : 'behind'} the server's`,
    'Signatures are refused beyond five minutes: set this clock by NTP.',
  );
}

async function checkTrails(http: SignedHttp, now: () => number): Promise<Check[]> {
  let trails: readonly ListedTrail[] = [];
  const list = await check('trails', async () => {
    trails = await listTrails(http);
    const records = trails.reduce((sum, { size }) => sum + size, 0);
    if (trails.length === 0) return ok('none that these credentials may read');
    return ok(`${plural(trails.length, 'trail')} with ${plural(records, 'record')}`);
  });
  const looked = trails.slice(0, MAX_TRAILS);
  const rest =
    trails.length > MAX_TRAILS
      ? [{ what: 'other trails', state: 'unknown' as const, message: `only the first ${MAX_TRAILS} were looked at` }]
      : [];
  return [list, ...(await Promise.all(looked.map((trail) => checkTrail(http, trail, now)))), ...rest];
}

/** A head is signed within a second, and its time is not ahead of ours. */
function checkTrail(http: SignedHttp, { trail, size, receivedAt }: ListedTrail, now: () => number): Promise<Check> {
  return check(`trail ${trail}`, async () => {
    const ahead = receivedAt - now();
    if (ahead > MAX_SKEW_MS) {
      return problem(
        `its newest record is dated ${new Date(receivedAt).toISOString()}, which is still to come`,
        "The server's clock was ahead: records bear that time until it has passed. Set the clock by NTP.",
      );
    }
    const fast = await fastClocks(http, trail);
    if (fast > 0) {
      return warning(
        `${fast} of its newest ${LOOKED_AT} records bear a time of their producer's from more than five minutes after they were received`,
        `Those producers' clocks are ahead: set them by NTP. "sealtrail query ${trail} --json" shows time, receivedAt and submitter.`,
      );
    }
    const signed = await signedSize(http, trail);
    if (signed >= size) return ok(`${plural(size, 'record')}, all under a signed checkpoint`);
    const message = `${count(size - signed)} of ${plural(size, 'record')} are not under a signed checkpoint`;
    return warning(
      message,
      'They are signed within a second. If this stays, the signing key cannot be used: see the log of the server.',
    );
  });
}

/** How many of the newest records say that they happened well after they were received. The other way round may be a spool. */
async function fastClocks(http: SignedHttp, trail: string): Promise<number> {
  const answer = await http.send({
    path: `/v1/trails/${trail}/events`,
    query: { limit: String(LOOKED_AT), order: 'newest' },
  });
  const { records } = read(recordsSchema, answer.json());
  return records.filter(({ receivedAt, event: { time } }) => {
    return time !== undefined && Date.parse(time) - receivedAt > MAX_CLOCK_AHEAD_MS;
  }).length;
}

async function signedSize(http: SignedHttp, trail: string): Promise<number> {
  try {
    const answer = await http.send({ path: `/v1/trails/${trail}/checkpoint` });
    return parseCheckpoint(parseNote(answer.text()).text).size;
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'not_found') return 0;
    throw error;
  }
}
