import type { Trust } from '../../../client/event/receipt.ts';
import { keysOfCheckpoint } from '../../../verify/evidence/trust.ts';
import { judgeReceipts } from '../../inspect/judge-receipts.ts';
import { count, labelled, plural, write, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import { type Install, type Shell, withJson } from '../../shell/shell.ts';
import { readTrust } from '../../shell/trust.ts';

interface Options {
  readonly key: string;
  readonly json?: true;
}

export const installVerifyReceipt: Install = (program, shell) => {
  withJson(
    program
      .command('verify-receipt')
      .argument('<files...>', 'receipts: what "append --receipts" wrote, or an answer of the API as it came')
      .summary('check receipts offline')
      .description(
        'Checks offline that receipts prove their records: the hashes, the way to the root, and the signature by the key.\n' +
          'A receipt that is not sealed yet proves nothing: exit code 3. docs/receipt-by-hand.md does the same by hand.',
      )
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file, or a list of keys with their sizes"),
  ).action(async (files: readonly string[], { key, json }: Options) => {
    const keys = await readTrust(key);
    const trust: Trust = (origin, size) => keysOfCheckpoint(keys, origin, size);
    for (const file of files) await tell(shell, file, trust, json);
  });
};

/** Prints the verdict on a file: for programs a line a receipt, for people a sentence, and one for each that is wrong. */
async function tell(shell: Shell, file: string, trust: Trust, json: true | undefined): Promise<void> {
  const { stdout } = shell.terminal;
  const counts = { ok: 0, unsealed: 0, wrong: 0 };
  let records = 0;
  const largest = new Map<string, number>();
  for await (const judged of judgeReceipts(file, trust)) {
    counts[judged.verdict] += 1;
    if (judged.verdict === 'ok') {
      records += judged.count;
      largest.set(judged.origin, Math.max(judged.size, largest.get(judged.origin) ?? 0));
    }
    if (json) await write(stdout, `${JSON.stringify({ file, ...judged })}\n`);
    else if (judged.verdict === 'wrong') await writeLines(stdout, labelled(stdout, 'red', 'wrong', judged.reason));
  }
  if (counts.wrong > 0) shell.exitCode = EXIT.wrong;
  else if (counts.unsealed > 0 && shell.exitCode === EXIT.ok) shell.exitCode = EXIT.unproven;
  if (json) return;
  const unsealed = counts.unsealed === 0 ? '' : ` ${plural(counts.unsealed, 'receipt')} not sealed yet prove nothing.`;
  const checkpoints = [...largest].map(([origin, size]) => `${origin} of ${count(size)}`).join(', ');
  const proven =
    counts.ok === 0
      ? `No receipt of ${file} is proven.`
      : `${plural(counts.ok, 'receipt')} of ${file} prove ${plural(records, 'record')}, under signed checkpoints up to ${checkpoints}.`;
  const [format, label] = counts.ok === 0 ? (['yellow', 'unproven'] as const) : (['green', 'ok'] as const);
  if (counts.ok > 0 || counts.wrong === 0) await writeLines(stdout, labelled(stdout, format, label, proven + unsealed));
}
