import * as z from 'zod';
import type { Masked } from '../../../contract/query.ts';
import type { Activity } from '../../../contract/summary.ts';
import type { Shape } from '../../../json/shape.ts';
import { absenceSchema, maskedSchema, maskedSentence } from '../../output/pages.ts';
import { readAnswer } from '../../output/read-answer.ts';
import { utc } from '../../output/records.ts';
import { breakdownLines, breakdownSchema } from '../../output/summary-lines.ts';
import { printable } from '../../output/table.ts';
import { type Output, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { explainAbsence } from '../../shell/absence.ts';
import {
  connect,
  type Install,
  integer,
  type ServerOptions,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly days: number;
  readonly json?: true;
}

export const installActivity: Install = (program, shell) => {
  const command = program
    .command('activity')
    .argument('<trail>', 'the trail', trailName)
    .argument('<actor>', 'who acted')
    .summary('count what one actor did')
    .description("Counts an actor's records over the last days by type and outcome, and says which is the newest.")
    .option('--days <n>', 'how many days', integer('--days', 1, 3660), 30);
  withJson(withServer(command)).action((trail: string, actor: string, options: Options) =>
    activity(shell.terminal, trail, actor, options),
  );
};

/** The shown parts of an activity. */
type ShownActivity = Pick<Activity, 'total' | 'byType' | 'byOutcome' | 'last' | 'masked' | 'absence'>;

const activitySchema: z.ZodType<ShownActivity> = z.object({
  total: z.number(),
  byType: breakdownSchema,
  byOutcome: breakdownSchema,
  last: z.object({ seq: z.number(), receivedAt: z.number(), type: z.string() }).exactOptional(),
  masked: maskedSchema.exactOptional(),
  absence: absenceSchema.exactOptional(),
} satisfies Shape<ShownActivity>);

async function activity(terminal: Terminal, trail: string, actor: string, options: Options): Promise<void> {
  const { days, json } = options;
  const path = `/v1/trails/${trail}/activity`;
  const http = connect(terminal, options);
  const answer = await http.send({ path, query: { actor, days }, signal: terminal.signal });
  const shown = readAnswer(activitySchema, answer.json(), 'an activity');
  if (shown.total === 0) await explainAbsence(http, shown.absence, terminal);
  if (json) return write(terminal.stdout, answer.text());
  const who = `${printable(actor)} in ${trail}`;
  await writeLines(terminal.stdout, activityLines(who, `the last ${plural(days, 'day')}`, shown, terminal.stdout));
}

/** How records name an actor, and what was not counted. */
function uncounted(masked: Masked): string {
  const { shared, ...own } = masked;
  if (shared === undefined || shared === masked.as) return maskedSentence(masked);
  return `${maskedSentence(own)} Records of ${printable(shared)} may be theirs or of others, and are not counted.`;
}

function activityLines(
  who: string,
  period: string,
  { total, byType, byOutcome, last, masked }: ShownActivity,
  out: Output,
): string[] {
  const notes = masked === undefined ? [] : [uncounted(masked)];
  if (last === undefined) return [`There are no records of ${who} in ${period}.`, ...notes];
  return [
    `${plural(total, 'record')} of ${who} in ${period}`,
    ...notes,
    `the newest: ${last.seq}, ${printable(last.type)}, ${utc(last.receivedAt)} UTC`,
    ...breakdownLines('type', byType, total, out),
    ...breakdownLines('outcome', byOutcome, total, out),
  ];
}
