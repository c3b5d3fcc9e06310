import { isObject } from '../../log/json.ts';
import { duration, many, moment } from '../browser/format.ts';
import type { Chip, Question } from '../data/question.ts';
import { type Row, recordOf, rowName } from '../data/rows.ts';

interface Props {
  readonly rows: readonly Row[];
  readonly question: Question;
  readonly ask: (change: Partial<Question>) => void;
  readonly onNarrow: (chip: Chip) => void;
}

/** A step of an action: it was requested, decided, approved, done. */
interface Step {
  readonly row: Row;
  readonly type: string;
  readonly at: number;
}

/** An action of an agent, from its request to its end. */
interface Action {
  readonly id: string;
  readonly name: string;
  readonly steps: readonly Step[];
}

/** The actions of agents with their durations, from the records that are listed. */
export function Runs({ rows, question, ask, onNarrow }: Props) {
  const actions = actionsOf(rows);
  if (actions.length === 0)
    return (
      <p class="notice">None of the records listed is of an agent’s action. Narrow by agent, session or correlation.</p>
    );
  const starts = actions.map(({ steps }) => steps[0]?.at ?? 0);
  const ends = actions.map(({ steps }) => steps.at(-1)?.at ?? 0);
  const [first, last] = [Math.min(...starts), Math.max(...ends)];
  const x = (at: number) => (last === first ? 0 : (1000 * (at - first)) / (last - first));
  return (
    <div class="runs">
      <p class="muted">
        {many(actions.length, 'action')} from {moment(first, question.clock)} to {moment(last, question.clock)}
      </p>
      <ol>
        {actions.map(({ id, name, steps }) => (
          <li key={id}>
            <button
              type="button"
              title={id}
              onClick={() => onNarrow({ name: 'action', value: id.replaceAll('*', '\\*') })}
            >
              {name}
            </button>
            <svg viewBox="-8 0 1016 20" preserveAspectRatio="none" aria-hidden="true">
              <rect
                class="span"
                x={x(steps[0]?.at ?? 0)}
                y={8}
                width={Math.max(2, x(steps.at(-1)?.at ?? 0) - x(steps[0]?.at ?? 0))}
                height={4}
              />
              {steps.map((step) => (
                <rect
                  key={rowName(step.row)}
                  class={`step ${sortOf(step.type)}`}
                  x={x(step.at) - 4}
                  y={4}
                  width={8}
                  height={12}
                />
              ))}
            </svg>
            <span class="steps">
              {steps.map((step, at) => (
                <span key={rowName(step.row)}>
                  {at > 0 && <small> +{duration(step.at - (steps[at - 1]?.at ?? step.at))} </small>}
                  <button type="button" class={sortOf(step.type)} onClick={() => ask({ open: rowName(step.row) })}>
                    {step.type.replace(/^action\./, '')}
                  </button>
                </span>
              ))}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const sortOf = (type: string): string =>
  /denied|failed|expired|stop/.test(type) ? 'is-bad' : /executed|granted|completed/.test(type) ? 'is-good' : 'is-open';

/** Actions with two steps or more, or one that is of an action by its type; by their beginnings. */
function actionsOf(rows: readonly Row[]): Action[] {
  const found = new Map<string, { name: string; steps: Step[] }>();
  for (const row of rows) {
    const { event, receivedAt } = recordOf(row.line);
    const id = isObject(event.context) ? event.context.action : undefined;
    const type = String(event.type);
    if (typeof id !== 'string' || !/^(action|approval|rollback|llm|agent)\./.test(type)) continue;
    const action = found.get(id) ?? { name: id, steps: [] };
    found.set(id, action);
    if (typeof event.action === 'string') action.name = event.action;
    const at = typeof event.time === 'string' ? Date.parse(event.time) : receivedAt;
    action.steps.push({ row, type, at: Number.isFinite(at) ? at : receivedAt });
  }
  return [...found]
    .map(([id, { name, steps }]) => ({ id, name, steps: steps.sort((a, b) => a.at - b.at || a.row.seq - b.row.seq) }))
    .sort((a, b) => (a.steps[0]?.at ?? 0) - (b.steps[0]?.at ?? 0));
}
