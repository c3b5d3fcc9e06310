import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openEncoder } from '../../lib/export/formats/encoders.ts';
import { cosignatureLine, cosignatureMessage, cosignerFromSpki, isMlDsaLine } from '../../lib/log/cosignature.ts';
import { parseNote, pemOf } from '../../lib/log/note.ts';
import { openMlDsaKey } from '../../lib/store/keyfile/ml-dsa-key.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { newNonce, timestampRequest } from '../../lib/tsp/request.ts';
import { Authority } from '../tsp/authority.ts';
import { LOG_NAME, type SealedArchive, sealedArchive } from './archives.ts';
import { attempt, fsckAgrees, installFsck, TOOLS } from './fsck.ts';
import { checkReceipts } from './receipts.ts';

/**
 * Archives of ours under tools that are not: Tessera's fsck and proof builder, golang.org/x/mod's notes, OpenSSL, pycose, jq
 * and DuckDB. Each must agree on good archives and object to a damaged one. Needs go, openssl, jq, python3 and the package
 * registries, so it is a script of its own and not a part of `npm test`.
 */

const SIZES = [0, 1, 255, 256, 257, 65_536, 65_537, 70_000];
const HERE = import.meta.dirname;

function ok(what: string, holds: boolean, said = ''): void {
  if (!holds) throw new Error(`NOT SO: ${what}\n${said}`);
  console.log(`ok ${what}`);
}

function sh(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
}

function install(): { fsck: string; outside: string; python: string } {
  const fsck = installFsck();
  const outside = join(TOOLS, 'outside');
  sh('go', ['build', '-o', outside, '.'], { cwd: join(HERE, 'go') });
  sh('python3', ['-m', 'venv', join(TOOLS, 'python')]);
  const python = join(TOOLS, 'python/bin/python');
  sh(python, ['-m', 'pip', 'install', '--quiet', '-r', join(HERE, 'requirements.txt')]);
  return { fsck, outside, python };
}

function flipByte(file: string, at = readFileSync(file).length >> 1): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  chmodSync(file, 0o644);
  writeFileSync(file, bytes);
}

function checkWithOpenSsl(archive: SealedArchive, folder: string): boolean {
  const { text, signatures } = parseNote(readFileSync(join(archive.folder, 'checkpoint'), 'utf8'));
  const [message, signature, key] = ['message', 'signature', 'key.pem'].map((name) => join(folder, name));
  if (message === undefined || signature === undefined || key === undefined) throw new RangeError('three files');
  writeFileSync(message, text);
  writeFileSync(signature, signatures[0]?.signature ?? '');
  writeFileSync(key, pemOf(archive.verifier));
  const args =
    archive.verifier.algorithm === 'ed25519'
      ? ['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', '-in', message, '-sigfile', signature]
      : ['dgst', '-sha256', '-verify', key, '-signature', signature, message];
  return attempt('openssl', args).status === 0;
}

/** An archive with all that others attest: a line by ML-DSA-44, lines of witnesses, and a time-stamp. */
async function checkAttested({ fsck, outside }: ReturnType<typeof install>): Promise<void> {
  const mlDsa = await openMlDsaKey(join(work, 'ml-dsa.pem'));
  const archive = await sealedArchive(join(work, 'attested'), 300, 'ed25519', mlDsa);
  const checkpoint = join(archive.folder, 'checkpoint');
  const { text, signatures } = parseNote(readFileSync(checkpoint, 'utf8'));
  ok('a checkpoint has a second line, by ML-DSA-44', signatures.length === 2 && signatures.some(isMlDsaLine));

  const witness = new MemorySigner();
  const cosigner = cosignerFromSpki('w.example', await witness.publicKey());
  const seconds = Math.floor(Date.now() / 1000);
  const line = cosignatureLine(cosigner, seconds, await witness.sign(cosignatureMessage(cosigner, text, seconds)));
  chmodSync(checkpoint, 0o644);
  writeFileSync(checkpoint, `${readFileSync(checkpoint, 'utf8')}${line}`);
  ok('OpenSSL verifies the first line among others', checkWithOpenSsl(archive, work));

  const authority = new Authority();
  const subject = join(archive.folder, 'checkpoints/300');
  const request = timestampRequest(readFileSync(subject), newNonce());
  writeFileSync(`${subject}.tsr`, authority.reply(request));
  const verified = attempt('openssl', [
    'ts',
    '-verify',
    '-data',
    subject,
    '-in',
    `${subject}.tsr`,
    '-CAfile',
    join(authority.folder, 'ca.pem'),
  ]);
  ok('OpenSSL verifies a time-stamp over a checkpoint, to a request of ours', verified.status === 0, verified.said);
  const other = attempt('openssl', [
    'ts',
    '-verify',
    '-data',
    checkpoint,
    '-in',
    `${subject}.tsr`,
    '-CAfile',
    join(authority.folder, 'ca.pem'),
  ]);
  ok('OpenSSL objects to it over other bytes', other.status !== 0);
  await authority.close();

  const { agrees, said } = fsckAgrees(fsck, archive.folder, archive.verifier.vkey);
  ok('fsck agrees on an archive with lines of ML-DSA-44 and witnesses, and time-stamps', agrees, said);
  const go = attempt(outside, [archive.folder, archive.verifier.vkey]);
  ok('x/mod opens its notes, and tiles and proofs agree', go.status === 0, go.said);
}

const linesIn = (segment: string): string[] => gunzipSync(readFileSync(segment)).toString().split('\n').slice(0, -1);

const work = mkdtempSync(join(tmpdir(), 'sealtrail-outside-'));
try {
  const tools = install();
  const archives = new Map<number, SealedArchive>();
  for (const size of SIZES) {
    const archive = await sealedArchive(join(work, `archive-${size}`), size, 'ed25519');
    archives.set(size, archive);
    const { agrees, said } = fsckAgrees(tools.fsck, archive.folder, archive.verifier.vkey);
    ok(`fsck agrees on ${size} records`, agrees, said);
    const go = attempt(tools.outside, [archive.folder, archive.verifier.vkey]);
    ok(`notes, tiles and proofs agree on ${size} records`, go.status === 0, go.said);
    ok(`OpenSSL verifies the Ed25519 checkpoint of ${size}`, checkWithOpenSsl(archive, work));
  }

  const p256 = await sealedArchive(join(work, 'archive-p256'), 300, 'ecdsa-p256');
  ok('OpenSSL verifies a P-256 checkpoint', checkWithOpenSsl(p256, work));

  const large = archives.get(65_537);
  if (large === undefined) throw new RangeError('no archive of 65,537');
  const days = join(large.folder, 'records');
  const glob = join(days, '*/*.jsonl.gz');
  const segments = readdirSync(days, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gz'));
  const lines = segments.map((name) =>
    Number(sh('sh', ['-c', `gunzip -c "$1" | jq -n '[inputs] | length'`, 'sh', join(days, name)])),
  );
  ok('jq reads every record', lines.reduce((sum, count) => sum + count, 0) === 65_537);
  const sql = `select count(*), count(distinct seq), max(event->>'id') from read_json('${glob}', format='newline_delimited', columns={seq: 'BIGINT', event: 'JSON'})`;
  const rows = sh(tools.python, ['-c', 'import duckdb,sys; print(*duckdb.sql(sys.argv[1]).fetchone())', sql]);
  ok('DuckDB reads every record', rows.trim() === '65537 65537 e-9999', rows);

  const table = join(work, 'exported.parquet');
  const encoder = await openEncoder('parquet', LOG_NAME);
  const rest = segments.map((name) => encoder.add(linesIn(join(days, name))));
  writeFileSync(table, Buffer.concat([...rest, encoder.end()]));
  const columns = `select count(*), min(seq), count(receivedAt), count(actorId), typeof(any_value(seq)), typeof(any_value(receivedAt)) like 'TIMESTAMP%' from '${table}'`;
  const read = sh(tools.python, ['-c', 'import duckdb,sys; print(*duckdb.sql(sys.argv[1]).fetchone())', columns]);
  ok('DuckDB reads a Parquet export by its types', read.trim() === '65537 0 65537 65537 BIGINT True', read);

  for (const zone of ['UTC', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia']) {
    const instant = `select epoch_ms(min(receivedAt)) from '${table}'`;
    const script =
      'import duckdb,sys; c=duckdb.connect(); c.execute(f"set TimeZone=\'{sys.argv[2]}\'"); print(*c.sql(sys.argv[1]).fetchone())';
    const [first = ''] = linesIn(join(days, segments.toSorted()[0] ?? ''));
    const wanted = String(JSON.parse(first).receivedAt);
    const seen = sh(tools.python, ['-c', script, instant, zone], { env: { ...process.env, TZ: zone } }).trim();
    ok(`DuckDB reads the same instants of a Parquet export in ${zone}`, seen === wanted, `${seen}, not ${wanted}`);
  }

  await checkReceipts(tools.python, work, ok);
  await checkAttested(tools);

  const victim = archives.get(257);
  if (victim === undefined) throw new RangeError('no archive of 257');
  flipByte(join(victim.folder, 'tile/entries/000'));
  ok('fsck objects to a flipped byte in a bundle', !fsckAgrees(tools.fsck, victim.folder, victim.verifier.vkey).agrees);
  const other = archives.get(256);
  if (other === undefined) throw new RangeError('no archive of 256');
  flipByte(join(other.folder, 'tile/0/000'));
  ok('fsck objects to a flipped byte in a tile', !fsckAgrees(tools.fsck, other.folder, other.verifier.vkey).agrees);
  ok(
    'proofs from a flipped tile do not hold',
    attempt(tools.outside, [other.folder, other.verifier.vkey]).status === 1,
  );
  // In its text: the middle of the file is the key's name, which no signature covers.
  flipByte(join(p256.folder, 'checkpoint'), 5);
  ok('OpenSSL objects to a flipped byte in a checkpoint', !checkWithOpenSsl(p256, work));
} finally {
  rmSync(work, { recursive: true, force: true });
}
