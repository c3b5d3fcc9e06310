import { localTime } from '../../question/zones.ts';
import { count, many, moment } from '../browser/format.ts';
import type { Api } from '../data/api.ts';
import type { Chip, Period, Question } from '../data/question.ts';
import { zoneOf } from '../data/question.ts';
import { CountBar, useCounts } from './histogram.tsx';

interface Props {
  readonly api: Api;
  readonly question: Question;
  readonly period: Period;
  readonly onNarrow: (chip: Chip) => void;
}

const NAMES = {
  type: 'Types',
  outcome: 'Outcomes',
  severity: 'Severities',
  actor: 'Actors',
  resourceType: 'Resources',
  tenant: 'Tenants',
} as const;
const DIMENSIONS = Object.keys(NAMES) as (keyof typeof NAMES)[]; // the keys of a literal
const SHOWN = 12;

/** How many records there are of each kind: a click asks for those. */
export function SummaryView({ api, question, period, onNarrow }: Props) {
  const found = useCounts(api, question, period, 'day');
  if (!found) return <p class="loading">Counting…</p>;
  return (
    <div class="cards">
      {DIMENSIONS.map((name) => {
        const values = (found.by[name] ?? []).slice(0, SHOWN);
        const most = values[0]?.count ?? 1;
        return (
          <section key={name} class="card">
            <h2>{NAMES[name]}</h2>
            {values.length === 0 && <p class="muted">None.</p>}
            <ul>
              {values.map(({ value, count: records }) => (
                <li key={value}>
                  <button type="button" onClick={() => onNarrow({ name, value: value.replaceAll('*', '\\*') })}>
                    {value}
                  </button>
                  <CountBar value={records} most={most} />
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DAYS = 31;

/** When the records that pass were received, hour by hour: who works at night is seen at once. */
export function Activity({ api, question, period, onNarrow }: Props) {
  const to = period.to ?? Date.now();
  const from = Math.max(period.from ?? 0, to - DAYS * DAY_MS);
  const found = useCounts(
    api,
    question,
    { from: Math.floor(from / HOUR_MS) * HOUR_MS, to: Math.ceil(to / HOUR_MS) * HOUR_MS },
    'hour',
  );
  if (!found) return <p class="loading">Counting…</p>;
  const zone = zoneOf(question);
  const days = new Map<string, { readonly at: number; readonly hours: number[] }>();
  for (const bar of found.bars) {
    const local = new Date(localTime(zone, bar.from)).toISOString();
    const day = days.get(local.slice(0, 10)) ?? { at: bar.from, hours: new Array<number>(24).fill(0) };
    days.set(local.slice(0, 10), day);
    const hour = Number(local.slice(11, 13));
    day.hours[hour] = (day.hours[hour] ?? 0) + bar.count;
  }
  const most = Math.max(1, ...[...days.values()].flatMap(({ hours }) => hours));
  const actors = (found.by.actor ?? []).slice(0, SHOWN);
  return (
    <div class="activity">
      <table class="heat">
        <caption>
          {many(found.total, 'record')} by hour of {zone}, the last {DAYS} days of the period
        </caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            {Array.from({ length: 24 }, (_, hour) => (
              <th key={hour} scope="col">
                {String(hour).padStart(2, '0')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...days].reverse().map(([day, { at, hours }]) => (
            <tr key={day}>
              <th scope="row" title={moment(at, question.clock)}>
                {day}
              </th>
              {hours.map((records, hour) => (
                // Hours are their own keys.
                <td
                  key={hour}
                  class={`heat-${records === 0 ? 0 : Math.ceil((4 * Math.log1p(records)) / Math.log1p(most))}`}
                  title={many(records, 'record')}
                >
                  {records === 0 ? '' : count(records)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <section class="card">
        <h2>Actors</h2>
        <ul>
          {actors.map(({ value, count: records }) => (
            <li key={value}>
              <button type="button" onClick={() => onNarrow({ name: 'actor', value: value.replaceAll('*', '\\*') })}>
                {value}
              </button>
              <CountBar value={records} most={actors[0]?.count ?? 1} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
