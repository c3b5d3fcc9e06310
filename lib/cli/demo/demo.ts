import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Writable } from 'node:stream';
import { SignedHttp } from '../../client/http/http.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Embedded, openEmbedded } from '../../server/embedded.ts';
import type { HttpServer } from '../../server/server.ts';
import type { Report } from '../../verify/report/report.ts';
import { type Column, renderTable } from '../output/table.ts';
import { bytes, count, plural } from '../output/terminal.ts';
import { EXIT } from '../shell/exit.ts';
import { listen } from '../shell/serving.ts';
import type { Shell } from '../shell/shell.ts';
import { logKeys } from '../shell/trust.ts';
import { gather } from '../upload/input.ts';
import { Upload, type Uploaded } from '../upload/upload.ts';
import type { MappedEvent } from './github.ts';
import { Narrator } from './narrator.ts';
import { tamper } from './tamper.ts';

/** Names within the demo's folder. */
const DATA = 'data';
const ARCHIVE = join(DATA, 'archive');
const COPY = 'tampered';
const KEYS = 'keys';
const KEY = join(KEYS, 'log.pem');
const RECEIPTS = 'receipts.ndjson';

const LOG_NAME = 'demo.sealtrail.local';
/** The record that is proven, and later tampered with. */
const SHOWN = { trail: 'access', type: 'github.member.added' };

/**
 * The story of `sealtrail demo`, with a real server, real data and the real commands. The commands name files relative to the
 * demo's folder, which must be the current directory, so that they can be copied.
 */
export class Demo {
  readonly #shell: Shell;
  readonly #folder: string;
  readonly #events: readonly MappedEvent[];
  readonly #say: Narrator;

  constructor(shell: Shell, folder: string, events: readonly MappedEvent[]) {
    this.#shell = shell;
    this.#folder = folder;
    this.#events = events;
    this.#say = new Narrator(shell.terminal.stdout);
  }

  /** @throws `proof_mismatch` if any step does not have its expected result */
  async run(): Promise<void> {
    const started = performance.now();
    await this.#say.title('Sealtrail: a tamper-evident audit log, on real data');
    const log = await openEmbedded(this.#path(DATA), { logName: LOG_NAME });
    let server: HttpServer | undefined;
    let seq: number;
    try {
      server = await listen(log, { host: '127.0.0.1', port: 0 }, this.#shell.terminal.stderr);
      await this.#say.step(
        'A log of its own',
        `Everything is in ${this.#folder}, and the commands below are run there. The log lives in ${DATA}; its server ` +
          `listens on ${server.url}. Nothing leaves this machine.`,
      );
      seq = await this.#fill(log, server.url);
      await this.#ask(server.url);
      await this.#prove(server.url, seq);
      await this.#seal(log, server.url);
    } finally {
      await server?.close();
      await log.close();
    }
    await this.#audit(seq);
    await this.#whatNext((performance.now() - started) / 1000);
  }

  /** Sends all events to their trails. Returns the number of the demo's record. */
  async #fill(log: Embedded, url: string): Promise<number> {
    const byTrail = Map.groupBy(this.#events, (one) => one.trail);
    const size = this.#events.reduce((sum, { event }) => sum + Buffer.byteLength(JSON.stringify(event)), 0);
    await this.#say.step(
      'Real events, signed requests, receipts',
      `${plural(this.#events.length, 'webhook')} that GitHub really sent (${bytes(size)}), as events of ${byTrail.size} trails. ` +
        'Each request is signed with AWS Signature Version 4; each answer is a receipt that proves that every event in it ' +
        'is under a signed checkpoint. All receipts are checked here, with nothing but the public key.',
    );
    const omitted = this.#events.filter((one) => one.omitted).length;
    if (omitted > 0) {
      await this.#say.text(
        `${plural(omitted, 'payload')} did not fit into an event: size and SHA-256 stand in for them.`,
      );
    }
    const http = this.#client(log, url, 'writer');
    const started = performance.now();
    const sent = await Promise.all([...byTrail].map(([trail, events]) => this.#send(http, trail, events)));
    const seconds = (performance.now() - started) / 1000;
    const columns: Column[] = [
      { title: 'trail' },
      { title: 'events', align: 'right', rigid: true },
      { title: 'requests', align: 'right', rigid: true },
      { title: 'records', rigid: true },
      { title: 'proven under', rigid: true },
    ];
    const rows = sent.map((receipts) => this.#rowOf(receipts));
    await this.#say.lines(['', ...renderTable(columns, rows, this.#say.width, this.#say.heading), '']);
    await this.#say.text(`Sent, stored safely, signed and checked in ${seconds.toFixed(1)} s.`);
    const all = sent.flat();
    await writeFile(this.#path(RECEIPTS), all.map(({ receipt }) => `${JSON.stringify(receipt)}\n`).join(''));
    const mine = (byTrail.get(SHOWN.trail) ?? []).findIndex(({ event }) => event.type === SHOWN.type);
    const receipts = sent.find(([one]) => one?.receipt.trail === SHOWN.trail)?.map((one) => one.receipt) ?? [];
    const [first, last] = [receipts[0], receipts.at(-1)];
    if (mine < 0 || first === undefined || last === undefined) {
      throw new SealtrailError('internal', `no ${SHOWN.type} among the examples`);
    }
    await this.#showReceipt(last);
    return first.first + mine;
  }

  async #send(http: SignedHttp, trail: string, events: readonly MappedEvent[]): Promise<Uploaded[]> {
    const { trust } = await logKeys(http, trail, undefined);
    const { signal } = this.#shell.terminal;
    const upload = new Upload(http, { trail, key: `demo-${trail}`, parallel: 1, trust, signal });
    const uploaded: Uploaded[] = [];
    for await (const one of upload.run(gather(inputOf(events), { maxEvents: 50, maxBytes: 4_000_000, linger: 1000 }))) {
      uploaded.push(one);
    }
    return uploaded;
  }

  #rowOf(uploaded: readonly Uploaded[]): string[] {
    const receipts = uploaded.map((one) => one.receipt);
    const events = receipts.reduce((sum, receipt) => sum + receipt.count, 0);
    const last = receipts.at(-1);
    const size = uploaded.at(-1)?.checkpoint?.size;
    const end = last === undefined ? 0 : last.first + last.count - 1;
    return [
      last?.trail ?? '',
      count(events),
      count(receipts.length),
      `${receipts[0]?.first ?? 0} to ${end}`,
      size === undefined ? 'not yet' : `the checkpoint of ${plural(size, 'record')}`,
    ];
  }

  async #showReceipt({ trail, first, count: events, checkpoint = '', proof = [] }: Uploaded['receipt']): Promise<void> {
    await this.#say.text(
      `The receipt for records ${first} to ${first + events - 1} of ${trail}, for one, holds their hashes, ${proof.length} more ` +
        'as proof, and this checkpoint: log, number of records, root of the Merkle tree, signature.',
    );
    await this.#say.block(
      checkpoint
        .trimEnd()
        .split('\n')
        .map((line) => this.#say.cut(line)),
    );
    await this.#say.text(`All receipts are in ${RECEIPTS}.`);
  }

  async #ask(url: string): Promise<void> {
    await this.#say.step(
      'Questions',
      'Every field of an event can be asked for, and every acknowledged event is found.',
    );
    await this.#command(url, ['query', 'access', '--tenant', 'Octocoders', '--limit', '6']);
    await this.#command(url, ['query', 'builds', '--outcome', 'failure', '--limit', '4']);
    await this.#command(url, ['summary', 'access', '--top', '4']);
  }

  async #prove(url: string, seq: number): Promise<void> {
    await this.#say.step(
      'One record, proven to a stranger',
      `Record ${seq} of ${SHOWN.trail} says who was given access to a repository. Its proof is a small file: with the record ` +
        'and the public key it convinces anyone, without a server and without trust in us.',
    );
    const proof = `${SHOWN.trail}-${seq}.tlog-proof`;
    await this.#command(url, ['keys', '--trail', SHOWN.trail, '--export', KEYS]);
    await this.#command(url, ['proof', SHOWN.trail, String(seq), '--output', proof]);
    await this.#command(url, ['verify-proof', proof, '--key', KEY]);
  }

  async #seal(log: Embedded, url: string): Promise<void> {
    const http = this.#client(log, url, 'admin');
    const trails = [...new Set(this.#events.map((one) => one.trail))];
    for (const trail of trails) await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals` });
    await this.#say.step(
      'The archive, verified by an auditor',
      `The ${trails.length} trails are sealed and the server is stopped. What is left is ${ARCHIVE}: plain files, ` +
        'each written once. On AWS they lie in a bucket under Object Lock. The auditor has these files and the public key.',
    );
  }

  /** Everything from here on is offline. */
  async #audit(seq: number): Promise<void> {
    const key = ['--key', KEY];
    await this.#command(undefined, ['verify', ARCHIVE, ...key]);
    const change = await tamper(this.#path(ARCHIVE), this.#path(COPY), SHOWN.trail, seq);
    await this.#say.step(
      'One byte changed',
      `Now someone edits a copy of the archive. In ${relative(this.#folder, change.file)}, byte ${count(change.offset)} changes from ` +
        `"${change.before}" to "${change.after}": record ${seq} of ${SHOWN.trail} now blames "${change.actor}". The same check again:`,
    );
    await this.#command(undefined, ['verify', COPY, ...key], EXIT.wrong);
    await this.#assertNamed(seq, key);
    await this.#say.lines(['']);
    await this.#say.text(`It refuses (exit code 1), and names the record that was changed: ${seq} of ${SHOWN.trail}.`);
  }

  /** Checks that the verifier's JSON report names the record, so that the demo does not claim it wrongly. */
  async #assertNamed(seq: number, key: readonly string[]): Promise<void> {
    let output = '';
    const stdout = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        output += text;
        done();
      },
    });
    await this.#shell.run(['verify', this.#path(COPY), '--json', ...key], { ...this.#shell.terminal, stdout });
    const { problems }: Report = JSON.parse(output);
    if (problems.some((problem) => problem.trail === SHOWN.trail && problem.seq === seq)) return;
    throw new SealtrailError('proof_mismatch', `the verifier did not name record ${seq} of ${SHOWN.trail}`);
  }

  async #whatNext(seconds: number): Promise<void> {
    const sealtrail = this.#say.program(this.#shell.terminal.env);
    await this.#say.step(
      'Where to look next',
      `That took ${seconds.toFixed(1)} s. Everything is kept in ${this.#folder}.`,
    );
    await this.#say.block([
      `${sealtrail} serve --data ${this.#path(DATA)}`,
      `${sealtrail} verify ${this.#path(ARCHIVE)} --key ${this.#path(KEY)}`,
      `${sealtrail} --help`,
    ]);
    await this.#say.text(
      'README.md is a tour by hand. docs/architecture.md says how it works, docs/spec.md gives every byte, and ' +
        'docs/threat-model.md says what is found and what is not.',
    );
  }

  /** Shows a command and runs it in the demo's folder. @throws `proof_mismatch` if it ends with an unexpected exit code */
  async #command(url: string | undefined, args: readonly string[], due: number = EXIT.ok): Promise<void> {
    const { terminal } = this.#shell;
    await this.#say.command(args);
    const env = {
      ...terminal.env,
      SEALTRAIL_ENDPOINT: url,
      AWS_SHARED_CREDENTIALS_FILE: this.#path(DATA, 'credentials'),
      AWS_PROFILE: 'auditor',
    };
    const code = await this.#shell.run(args, { ...terminal, stdout: this.#say.out, env });
    terminal.signal.throwIfAborted();
    if (code !== due) {
      throw new SealtrailError(
        'proof_mismatch',
        `"sealtrail ${args.join(' ')}" ended with ${code}, and ${due} was due`,
      );
    }
  }

  #path(...parts: readonly string[]): string {
    return join(this.#folder, ...parts);
  }

  #client(log: Embedded, url: string, profile: string): SignedHttp {
    const found = log.folder.profiles.find((one) => one.profile === profile);
    if (found === undefined) throw new SealtrailError('usage', `the data folder has no profile ${profile}`);
    return new SignedHttp({ endpoint: url, credentials: async () => found });
  }
}

async function* inputOf(events: readonly MappedEvent[]) {
  for (const [i, { event }] of events.entries()) yield { json: JSON.stringify(event), where: `event ${i + 1}` };
}
