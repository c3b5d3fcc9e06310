import { FILTER_NAMES } from '../../../contract/query.ts';
import { SealtrailError } from '../../../log/error.ts';
import { parseJson } from '../../../log/json.ts';
import { checkPages, type ProvenPages } from '../../../verify/answers/check-pages.ts';
import { ANSWER_KINDS, type AnswerKind } from '../../../verify/answers/wrong.ts';
import { printable } from '../../output/table.ts';
import { count, labelled, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import { type Install, withJson } from '../../shell/shell.ts';
import { readText, readTrust } from '../../shell/trust.ts';

interface Options {
  readonly key: string;
  readonly records?: true;
  readonly json?: true;
}

export const installVerifyAnswer: Install = (program, shell) => {
  withJson(
    program
      .command('verify-answer')
      .argument('<file>', 'what "sealtrail query --proof" wrote')
      .summary('check offline that an answer leaves nothing out')
      .description(
        'Checks offline that the records in an answer are in the log, and that no other record of the period passes its\n' +
          'filters, as far as the index vouches for it: "sealtrail verify --index" checks what the index says.',
      )
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file, or a list of keys with their sizes")
      .option('--records', "print the answer's records, a line each, once they are proven"),
  ).action(async (file: string, options: Options) => {
    const trust = await readTrust(options.key);
    const value = jsonIn(await readText(file, 'the proof'), file);
    const verdict = judge(() => checkPages(value, trust));
    if (!('records' in verdict)) shell.exitCode = EXIT.wrong;
    await tell(shell.terminal, verdict, options);
  });
};

function jsonIn(text: string, file: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new SealtrailError('malformed_proof', `${file} is no proof of an answer: it is not JSON`, { cause });
  }
}

/** Why an answer is not proven. */
interface Refuted {
  readonly kind: AnswerKind;
  readonly code: string;
  readonly reason: string;
}

/** Whatever is found wrong with a proof is a verdict on it. */
function judge(check: () => ProvenPages): ProvenPages | Refuted {
  try {
    return check();
  } catch (error) {
    const kind = error instanceof SealtrailError ? ANSWER_KINDS.find((one) => one === error.field) : undefined;
    if (!(error instanceof SealtrailError) || kind === undefined) throw error;
    return { kind, code: error.code, reason: error.message };
  }
}

async function tell({ stdout }: Terminal, verdict: ProvenPages | Refuted, { json, records }: Options): Promise<void> {
  if (!('records' in verdict)) {
    if (json) return write(stdout, `${JSON.stringify({ ok: false, ...verdict })}\n`);
    return writeLines(stdout, labelled(stdout, 'red', 'wrong', `${verdict.reason}.`));
  }
  if (json) {
    const { records: lines, ...rest } = verdict;
    const result = { ok: true, ...rest, matches: lines.length, ...(records && { records: lines }) };
    return write(stdout, `${JSON.stringify(result)}\n`);
  }
  await writeLines(stdout, labelled(stdout, 'green', 'ok', sentenceOn(verdict)));
  if (records) await writeLines(stdout, verdict.records);
}

/** The proven statement, in words. */
export function sentenceOn(proven: ProvenPages): string {
  const { trail, range, isFromStart, isToEnd, records, indexed, checkpoint } = proven;
  const total = range.to - range.from;
  const filters = FILTER_NAMES.flatMap((name) => {
    const values = proven.filters[name];
    return values === undefined ? [] : [`${name} ${printable(values.join(' or '))}`];
  });
  const whole = [isFromStart ? '' : 'begins later than the period', isToEnd ? '' : 'ends before the period does'];
  const cut = whole.filter((one) => one !== '').join(' and ');
  return (
    `${plural(records.length, 'record')} of ${count(total)} in trail ${trail}, ${count(range.from)} to ${count(range.to)}, ` +
    `${filters.length === 0 ? '' : `with ${filters.join(', ')}, `}and no other: under a checkpoint of ${plural(checkpoint.size, 'record')} ` +
    `signed by the key with the SHA-256 fingerprint ${checkpoint.keys.join(', ')}.` +
    `${cut === '' ? '' : ` The answer ${cut}.`}` +
    `${indexed === 0 ? '' : ` The index vouches for ${plural(indexed, 'record')}.`}`
  );
}
