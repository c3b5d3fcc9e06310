import { checkReceipt, type Receipt, readReceipt } from '../../client/event/receipt.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import type { Policy } from '../../log/policy.ts';
import { parseRecord } from '../../log/record.ts';
import { checkPages, type ProvenPages } from '../../verify/answers/check-pages.ts';
import { verifyArchive } from '../../verify/archive/verify-archive.ts';
import { keysOfCheckpoint, type TrustedKeys, trailOf } from '../../verify/evidence/trust.ts';
import { openTrusted, type ProvenCheckpoint } from '../../verify/evidence/trusted-note.ts';
import { checkExport, type ProvenExport } from '../../verify/files/export-file.ts';
import {
  checkConsistencyFile,
  checkProofFile,
  type ProvenGrowth,
  type ProvenRecord,
} from '../../verify/files/proof-file.ts';
import type { Progress, Report } from '../../verify/report/report.ts';
import { settled } from '../platform/signatures.ts';
import type { GivenObjects } from './given-objects.ts';
import type { Exhibit } from './sort-files.ts';

/**
 * The verdict on an exhibit. `checked`: all that it claims is proven. `partly`: nothing contradicts it, and something of it is not
 * proven. `refused`: it does not hold. `unreadable`: it cannot be judged.
 */
export type State = 'checked' | 'partly' | 'refused' | 'unreadable';

/** The judgement of an exhibit. */
export interface Judgement {
  readonly about: string;
  readonly kind: Exhibit['kind'];
  readonly state: State;
  /** The sentence that says what is proven, or why nothing is. */
  readonly sentence: string;
  /** Of an archive: the report, as `sealtrail verify --json` prints it. */
  readonly report?: Report;
  /** The proven facts, for a machine. */
  readonly proven?: unknown;
}

/** On whose word to judge. */
export interface Given {
  readonly trust: TrustedKeys;
  readonly policy?: Policy | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Judges an exhibit. Whatever is wrong with it is a verdict; only what is wrong with this page is thrown. */
export async function judge(exhibit: Exhibit, given: Given): Promise<Judgement> {
  const { about, kind } = exhibit;
  try {
    if (given.trust.length === 0) throw new SealtrailError('usage', 'give the public key of the log as well');
    return { about, kind, ...(await settled(() => judged(exhibit, given))) };
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    const state = UNREADABLE.has(error.code) ? 'unreadable' : 'refused';
    return { about, kind, state, sentence: sentence(error.message) };
  }
}

/** Codes of errors that are no verdict on the evidence. */
const UNREADABLE: ReadonlySet<string> = new Set(['usage', 'not_found', 'unavailable']);

type Judged = Omit<Judgement, 'about' | 'kind'>;

async function judged(exhibit: Exhibit, given: Given): Promise<Judged> {
  const { trust } = given;
  switch (exhibit.kind) {
    case 'archive':
      return judgeArchive(exhibit.objects, given);
    case 'proof': {
      if (exhibit.line === undefined)
        throw new SealtrailError('usage', 'give the record as well: the file .record.json beside the proof');
      return checked(checkProofFile(exhibit.text, exhibit.line, trust), onRecord);
    }
    case 'growth':
      return checked(provenGrowth(exhibit.text, trust), onGrowth);
    case 'answer':
      return onAnswer(checkPages(exhibit.value, trust));
    case 'receipts':
      return judgeReceipts(exhibit.documents, trust);
    case 'export': {
      const { manifest, file, proof, complete } = exhibit;
      if (file === undefined)
        throw new SealtrailError('usage', 'give the exported file as well, and its .proof if there is one');
      const evidence = {
        manifest,
        file: file.parts(),
        ...(proof && { proof: proof.parts() }),
        ...(complete && { complete: complete.parts() }),
      };
      return onExport(await checkExport(evidence, trust));
    }
    case 'checkpoint':
      return checked(openTrusted(exhibit.note, trust).proven, onCheckpoint);
    case 'unknown':
      throw new SealtrailError('usage', exhibit.why);
  }
}

/** A consistency proof also names its trail and sizes, outside of what is signed: they must be those of its checkpoints. */
function provenGrowth(text: string, trust: TrustedKeys): ProvenGrowth {
  const proven = checkConsistencyFile(text, trust);
  const value = parseJson(text);
  const said = isObject(value) ? [value.trail, value.from, value.to] : [];
  const are = [trailOf(proven.to.origin), proven.from.size, proven.to.size];
  if (said.every((one, at) => one === undefined || one === are[at])) return proven;
  throw new SealtrailError('proof_mismatch', 'the proof names another trail, or other sizes, than its checkpoints');
}

async function judgeArchive(objects: GivenObjects, { trust, policy, signal, onProgress }: Given): Promise<Judged> {
  await askAhead(objects, trust);
  const report = await verifyArchive(objects, {
    trust,
    source: 'the folder that was given',
    ...(policy && { policy }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const { verdict, trails, skipped } = report;
  const proven = trails.reduce((sum, one) => sum + one.proven, 0);
  const counted = `${many(proven, 'record')} of ${many(trails.length, 'trail')}`;
  if (verdict === 'damaged')
    return { state: 'refused', sentence: 'The archive contradicts itself or what was signed.', report };
  if (verdict === 'incomplete')
    return { state: 'partly', sentence: `${counted} are proven; something is not proven or not there.`, report };
  const rest = skipped.length === 0 ? '' : ` ${many(skipped.length, 'thing')} not looked at: see below.`;
  return { state: 'checked', sentence: `${counted} are intact and under trusted signatures.${rest}`, report };
}

const NOTE = /\/checkpoint$|\/checkpoints\/\d+$/;

/** Asks about the signatures of all checkpoints at once: otherwise the archive would be read twice. */
async function askAhead(objects: GivenObjects, trust: TrustedKeys): Promise<void> {
  for (const key of objects.keys.filter((one) => NOTE.test(one))) {
    const note = await objects.get(key);
    try {
      if (note !== undefined) openTrusted(Buffer.from(note).toString(), trust);
    } catch (error) {
      // The verification itself says what is wrong with it.
      if (!(error instanceof SealtrailError)) throw error;
    }
  }
}

function judgeReceipts(documents: readonly unknown[], trust: TrustedKeys): Judged {
  const receipts = documents.map(readReceipt);
  let [records, unsealed] = [0, 0];
  const proven = receipts.map((receipt) => {
    const { trail, first, count } = receipt;
    const checkpoint = checkReceipt(receipt, { trail, count }, (origin, size) => keysOfCheckpoint(trust, origin, size));
    assertTime(receipt);
    if (checkpoint === undefined) unsealed += 1;
    else records += count;
    return { trail, first, count, ...(checkpoint && { origin: checkpoint.origin, size: checkpoint.size }) };
  });
  const hasLines = receipts.every(({ lines }) => lines !== undefined);
  const said = [
    `${many(receipts.length - unsealed, 'receipt')} prove ${many(records, 'record')}.`,
    ...(unsealed === 0 ? [] : [`${many(unsealed, 'receipt')} not sealed yet, which prove nothing.`]),
    ...(hasLines ? [] : ['Without the record lines, ids and times are the receipt’s own word.']),
  ];
  return { state: unsealed === 0 && hasLines ? 'checked' : 'partly', sentence: said.join(' '), proven };
}

/** The time of a receipt is that of its records, where it has their lines. */
function assertTime({ lines = [], receivedAt }: Receipt): void {
  if (lines.every((line) => parseRecord(line).receivedAt === receivedAt)) return;
  throw new SealtrailError('proof_mismatch', 'the receipt is wrong: its time is not that of its records');
}

const checked = <T>(proven: T, say: (proven: T) => string): Judged => ({
  state: 'checked',
  sentence: say(proven),
  proven,
});

const onRecord = ({ seq, trail, origin, size }: ProvenRecord): string =>
  `Record ${seq.toLocaleString('en')} of ${trail} is in the log ${origin}, under a signed checkpoint of ${many(size, 'record')}.`;

const onGrowth = ({ from, to }: ProvenGrowth): string =>
  `The checkpoint of ${many(to.size, 'record')} of ${to.origin} extends that of ${many(from.size, 'record')}.`;

const onCheckpoint = ({ origin, size }: ProvenCheckpoint): string =>
  `A checkpoint of ${many(size, 'record')} of ${origin}, signed by a trusted key.`;

function onAnswer({ records, ...proven }: ProvenPages): Judged {
  const { trail, range, isFromStart, isToEnd } = proven;
  const said = `${many(records.length, 'record')} of ${trail} are in the log, and none of records ${range.from} to ${Math.max(range.from, range.to - 1)} that passes is left out.`;
  const isWhole = isFromStart && isToEnd;
  const rest = isWhole ? '' : ' Other pages have the rest of the period.';
  return { state: isWhole ? 'checked' : 'partly', sentence: said + rest, proven };
}

function onExport(proven: ProvenExport): Judged {
  const { records, origin, complete, unproven } = proven;
  const isChecked = proven.vouched === 'log' && proven.proven === 'records';
  const what =
    proven.proven === 'records'
      ? `All ${many(records, 'line')} are records of ${origin}.`
      : `The file is the one that the manifest describes, of ${many(records, 'record')} of ${origin}.`;
  const whole = {
    ...{ log: ' They are all of the log.', range: ' None is missing between the first and the last.' },
    ...{ filters: ' No record of the period that passes the filters is left out.', unknown: '' },
  }[complete];
  const rest = unproven.length === 0 ? ' The log states the manifest.' : ` Not proven: ${unproven.join(', ')}.`;
  return { state: isChecked ? 'checked' : 'partly', sentence: what + whole + rest, proven };
}

const many = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
