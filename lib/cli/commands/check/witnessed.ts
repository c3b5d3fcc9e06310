import { access, writeFile } from 'node:fs/promises';
import { manifestFileOf } from '../../../client/read/exporting.ts';
import { HEADS_TRAIL } from '../../../contract/system-trails.ts';
import { parseCheckpoint } from '../../../log/checkpoint.ts';
import { SealtrailError } from '../../../log/error.ts';
import { isObject } from '../../../log/json.ts';
import { parseNote } from '../../../log/note.ts';
import { parsePolicy } from '../../../log/policy.ts';
import { parseProof } from '../../../log/proof.ts';
import { trailOf } from '../../../verify/evidence/trust.ts';
import { openTrusted } from '../../../verify/evidence/trusted-note.ts';
import { checkWitnessedFile } from '../../../verify/files/proof-file.ts';
import { labelled, plural, write, writeLines } from '../../output/terminal.ts';
import { witnessedFileOf, witnessedSentence } from '../../output/witnessed.ts';
import { connect, type Install, type ServerOptions, type Shell, withJson, withServer } from '../../shell/shell.ts';
import { logKeys, readPolicy, readText } from '../../shell/trust.ts';

interface Options extends ServerOptions {
  readonly key?: string;
  readonly policy?: string;
  readonly json?: true;
}

export const installWitnessed: Install = (program, shell) => {
  const command = program
    .command('witnessed <file>')
    .summary("fetch the witnesses' cosignatures over a proof, a receipt or an export")
    .description(
      'Writes <file>.witnessed.json: the way from the checkpoint in the file (of "sealtrail proof" or "sealtrail export", a\n' +
        'receipt, or a checkpoint itself) to the newest head that witnesses cosigned. With it "verify-proof" and\n' +
        '"verify-export" check offline, with --policy, that the witnesses saw it too. Within a minute of an append there is one.',
    )
    .option('--key <file>', "the log's public key (vkey or PEM) to check with (default: ask the server for it)")
    .option('--policy <file>', 'witnesses that must have cosigned (default: the cosignatures are written, not judged)');
  withJson(withServer(command)).action((file: string, options: Options) => fetchWitnessed(shell, file, options));
};

/** A file is judged when it is used. */
const ANY = 'quorum none\n';

async function fetchWitnessed({ terminal }: Shell, file: string, options: Options): Promise<void> {
  const { stdout, signal } = terminal;
  const note = await checkpointIn(file);
  const http = connect(terminal, options);
  const trail = trailOf(parseCheckpoint(parseNote(note).text).origin);
  const keys = await keysFor(http, trail, options.key);
  const { proven } = openTrusted(note, keys);
  const policy = options.policy === undefined ? parsePolicy(ANY) : await readPolicy(options.policy);
  const answer = await http.send({ path: `/v1/trails/${trail}/witnessed`, query: { from: proven.size }, signal });
  const witnessed = checkWitnessedFile(answer.text(), proven, keys, policy);
  const output = witnessedFileOf(file);
  await writeFile(output, answer.text()).catch((cause) => {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new SealtrailError('usage', `cannot write ${output}: ${reason}`, { cause });
  });
  if (options.json) {
    return write(stdout, `${JSON.stringify({ ...proven, trail, witnessed, witnessedFile: output })}\n`);
  }
  const who =
    options.policy === undefined ? ` Its cosignatures are not judged without --policy.` : witnessedSentence(witnessed);
  const sentence = `${output} leads from the checkpoint in ${file} to a cosigned head of ${plural(witnessed.size, 'record')}.${who}`;
  await writeLines(stdout, labelled(stdout, 'green', 'written', sentence));
}

/** The keys of the trail and of the heads. */
async function keysFor(http: Parameters<typeof logKeys>[0], trail: string, file: string | undefined) {
  const [own, heads] = await Promise.all([logKeys(http, trail, file), logKeys(http, HEADS_TRAIL, file)]);
  return [...own.keys, ...heads.keys];
}

/** The checkpoint of a proof, a receipt, an export's manifest, or the file itself. @throws `usage` if there is none */
async function checkpointIn(file: string): Promise<string> {
  const manifest = manifestFileOf(file);
  const isExport = await access(manifest).then(
    () => true,
    () => false,
  );
  const text = await readText(isExport ? manifest : file, 'the file');
  if (text.startsWith('c2sp.org/tlog-proof')) return parseProof(text).checkpoint;
  const note = text.startsWith('{') ? noteIn(file, text) : text;
  if (note !== undefined) return note;
  throw new SealtrailError('usage', `${file} holds no checkpoint: give a proof, a receipt, an export or a checkpoint`);
}

function noteIn(file: string, text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SealtrailError('usage', `${file} is neither JSON nor a checkpoint`, { cause });
  }
  if (!isObject(value)) return undefined;
  const { checkpoint, checkpoints } = value;
  const note = isObject(checkpoints) ? checkpoints.to : checkpoint;
  return typeof note === 'string' ? note : undefined;
}
