import { SealtrailError } from '../../../log/error.ts';
import { isObject } from '../../../log/json.ts';
import { type PrivacyConfig, parsePrivacyConfig, policyFor } from '../../../privacy/config/privacy-config.ts';
import type { PrivacyPolicy } from '../../../privacy/policy.ts';
import { type Preview, previewEvents } from '../../inspect/preview.ts';
import { printable } from '../../output/table.ts';
import { count, type Output, painter, plural, writeData, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import { type Install, type Shell, trailName, withJson } from '../../shell/shell.ts';
import { readText } from '../../shell/trust.ts';
import { readEvents } from '../../upload/input.ts';
import { openInput } from '../../upload/open-input.ts';

interface Options {
  readonly try: string;
  readonly config?: string;
  readonly trail?: string;
  readonly lenient?: true;
  readonly json?: true;
}

export const installRedact: Install = (program, shell) => {
  const command = program
    .command('redact')
    .summary('show what redaction and masking would do to events')
    .description(
      'Shows what a log would seal of events: what it redacts, masks and converts, and the event that is left. Nothing is sent.\n' +
        'The events come as for "append": NDJSON, a JSON array, or one JSON event. Exit code 2 if one of them would be refused.',
    )
    .requiredOption('--try <file>', 'the events; - is standard input')
    .option(
      '--config <file>',
      'the policy: config.json of a data folder, or its "privacy" part (default: the default policy)',
    )
    .option('--trail <trail>', 'the trail whose policy counts (default: what holds for every trail)', trailName)
    .option('--lenient', 'keep what does not fit in another form, as "Prefer: handling=lenient" asks');
  withJson(command).action((options: Options) => redact(shell, options));
};

async function redact(shell: Shell, options: Options): Promise<void> {
  const { stdout } = shell.terminal;
  const policy = policyFor(options.trail ?? '', await readConfig(options.config));
  const input = openInput(shell.terminal, options.try);
  const outcomes = outcomesOf(input.chunks, policy, options.lenient ? 'lenient' : 'strict');
  const tally = { sealed: 0, refused: 0 };
  const counted = tallied(outcomes, tally);
  if (options.json) await writeData(stdout, jsonLines(counted));
  else await writeLines(stdout, shown(stdout, counted, tally));
  if (tally.refused > 0) shell.exitCode = EXIT.failed;
}

/** Errors: `usage` where the file cannot be read, `invalid_parameter` with the field where it is not a policy. */
async function readConfig(file: string | undefined): Promise<PrivacyConfig> {
  if (file === undefined) return {};
  const text = await readText(file, 'the policy');
  try {
    return parsePrivacyConfig(privacyPart(text));
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw new SealtrailError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

/** A data folder's `config.json` always names its log. */
function privacyPart(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text; // The parser of policies says what is wrong.
  }
  if (!isObject(value) || !('logName' in value || 'privacy' in value)) return text;
  return JSON.stringify(value.privacy ?? {});
}

/** The preview of one event. */
type Outcome = { readonly where: string } & (Preview | { readonly refused: SealtrailError });

async function* outcomesOf(
  chunks: AsyncIterable<Uint8Array | string>,
  policy: PrivacyPolicy,
  handling: 'strict' | 'lenient',
): AsyncGenerator<Outcome> {
  for await (const { json, where } of readEvents(chunks)) {
    try {
      for (const preview of previewEvents(json, policy, handling)) yield { where, ...preview };
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      yield { where, refused: error };
    }
  }
}

async function* tallied(
  outcomes: AsyncIterable<Outcome>,
  tally: { sealed: number; refused: number },
): AsyncGenerator<Outcome> {
  for await (const outcome of outcomes) {
    if ('refused' in outcome) tally.refused += 1;
    else tally.sealed += 1;
    yield outcome;
  }
}

async function* jsonLines(outcomes: AsyncIterable<Outcome>): AsyncGenerator<string> {
  for await (const outcome of outcomes) {
    if (!('refused' in outcome)) yield JSON.stringify(outcome);
    else {
      const { code, message, field } = outcome.refused;
      yield JSON.stringify({ where: outcome.where, refused: { code, message, field } });
    }
  }
}

async function* shown(
  out: Output,
  outcomes: AsyncIterable<Outcome>,
  tally: { readonly sealed: number; readonly refused: number },
): AsyncGenerator<string> {
  const paint = painter(out);
  for await (const outcome of outcomes) {
    yield paint('bold', outcome.where);
    if ('refused' in outcome) yield `  ${paint('red', 'refused')}    ${printable(outcome.refused.message)}`;
    else yield* shownPreview(outcome, paint);
  }
  const refused = tally.refused === 0 ? '' : `, ${count(tally.refused)} refused`;
  const pronoun = tally.sealed === 1 ? 'it' : 'them';
  yield `${plural(tally.sealed, 'event')} as a log would seal ${pronoun}${refused}. Nothing was sent.`;
}

function* shownPreview(
  { redacted, masked, converted, event }: Preview,
  paint: ReturnType<typeof painter>,
): Generator<string> {
  for (const path of redacted) yield `  ${paint('yellow', 'redacted')}   ${printable(path)}`;
  for (const { path, becomes } of masked)
    yield `  ${paint('yellow', 'masked')}     ${printable(`${path}: ${becomes}`)}`;
  for (const path of converted) yield `  ${paint('yellow', 'converted')}  ${printable(path)}`;
  const lines = JSON.stringify(event, null, 2).split('\n');
  for (const [at, line] of lines.entries()) yield `  ${at === 0 ? 'event    ' : '         '}  ${printable(line)}`;
}
