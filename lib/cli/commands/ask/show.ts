import type { SignedHttp } from '../../../client/http/http.ts';
import { percentEncode } from '../../../client/http/percent-encode.ts';
import { SealtrailError } from '../../../log/error.ts';
import { isObject } from '../../../log/json.ts';
import { parseRecord, type SealedRecord } from '../../../log/record.ts';
import { checkProofFile } from '../../../verify/files/proof-file.ts';
import { utc } from '../../output/records.ts';
import { printable } from '../../output/table.ts';
import { type Output, painter, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { connect, type Install, type ServerOptions, trailName, withJson, withServer } from '../../shell/shell.ts';
import { logKeys } from '../../shell/trust.ts';

interface Options extends ServerOptions {
  readonly key?: string;
  readonly json?: true;
}

/** The known state of a record's place in the log. */
interface Proof {
  readonly state: 'proven' | 'unproven';
  readonly sentence: string;
}

export const installShow: Install = (program, shell) => {
  const command = program
    .command('show')
    .argument('<trail>', 'the trail', trailName)
    .argument('<record>', 'its number, counted from 0, or the id of its event')
    .summary('show everything about one record')
    .description('Shows a record with all that its event holds, what changed line by line, and whether it is proven.')
    .option('--key <file>', "the log's public key (vkey or PEM) to check with (default: ask the server for it)");
  withJson(withServer(command)).action((trail: string, record: string, options: Options) =>
    show(shell.terminal, trail, record, options),
  );
};

async function show(terminal: Terminal, trail: string, id: string, options: Options): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const http = connect(terminal, options);
  const path = `/v1/trails/${trail}/events/${percentEncode(id)}`;
  const answer = await http.send({ path, signal });
  const line = answer.text().replace(/\n$/, '');
  const record = parseRecord(line);
  const proof = await fetchProof(http, record, line, options.key, signal);
  if (answer.headers.get('x-more') === 'true') {
    stderr.write(`Other records of ${trail} have this id, too: sealtrail query ${trail} --id ${printable(id)}\n`);
  }
  if (options.json) return write(stdout, `{"record":${line},"proof":${JSON.stringify(proof)}}\n`);
  await writeLines(stdout, recordLines(record, proof, stdout));
}

/** Fetches the proof. A record newer than the last signature has none yet; any other failure is an error. */
async function fetchProof(
  http: SignedHttp,
  { trail, seq }: SealedRecord,
  line: string,
  key: string | undefined,
  signal: AbortSignal,
): Promise<Proof> {
  try {
    const answer = await http.send({ path: `/v1/trails/${trail}/events/${seq}/proof`, signal });
    const { keys, source } = await logKeys(http, trail, key);
    const proven = checkProofFile(answer.text(), line, keys);
    if (proven.trail !== trail || proven.seq !== seq) {
      throw new SealtrailError('proof_mismatch', `the server proved record ${proven.seq} of ${proven.trail}`);
    }
    const by = source === 'file' ? 'a key of your file' : 'a key that the server named';
    return { state: 'proven', sentence: `under a checkpoint of ${plural(proven.size, 'record')}, signed by ${by}` };
  } catch (error) {
    if (!(error instanceof SealtrailError) || !['not_found', 'unavailable'].includes(error.code)) throw error;
    return { state: 'unproven', sentence: `no checkpoint covers it yet, or none can be had: ${error.message}` };
  }
}

function recordLines(record: SealedRecord, proof: Proof, out: Output): string[] {
  const paint = painter(out);
  const { changes, ...event } = record.event;
  const { trail, seq, receivedAt, submitter } = record;
  const fields = [
    ['record', `${seq} of ${trail}`],
    ['received', `${utc(receivedAt)} UTC`],
    ['submitter', submitter],
    ...flatten(event, ''),
  ] as const;
  const width = Math.max(...fields.map(([name]) => name.length));
  const state = paint(proof.state === 'proven' ? 'green' : 'yellow', proof.state);
  return [
    ...fields.map(([name, value]) => `${paint('bold', printable(name.padEnd(width)))}  ${printable(value)}`),
    ...changeLines(changes, paint),
    '',
    `${state}  ${printable(proof.sentence)}`,
  ];
}

/** Every value of an object with its path: `actor.id`, `details.items[0].price`. */
function* flatten(value: unknown, path: string): Generator<readonly [string, string], void, void> {
  if (Array.isArray(value) && value.length > 0) {
    for (const [at, item] of value.entries()) yield* flatten(item, `${path}[${at}]`);
  } else if (isObject(value) && Object.keys(value).length > 0) {
    for (const [key, item] of Object.entries(value)) yield* flatten(item, path === '' ? key : `${path}.${key}`);
  } else yield [path, typeof value === 'string' ? value : JSON.stringify(value)];
}

/** The changes as a diff: old values with `-`, new ones with `+`; the same ones are left out. */
function changeLines(changes: unknown, paint: ReturnType<typeof painter>): string[] {
  if (!isObject(changes)) return [];
  const [before, after] = [changes.before, changes.after].map(
    (state) => new Map(state === undefined ? [] : flatten(state, '')),
  );
  const paths = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])];
  const lines = paths.flatMap((path) => {
    const [was, is] = [before?.get(path), after?.get(path)];
    if (was === is) return [];
    const shown = (sign: string, value: string): string => `${sign} ${printable(path)}: ${printable(value)}`;
    return [
      ...(was === undefined ? [] : [paint('red', shown('-', was))]),
      ...(is === undefined ? [] : [paint('green', shown('+', is))]),
    ];
  });
  return ['', paint('bold', 'changes'), ...lines];
}
