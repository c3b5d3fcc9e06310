import { useState } from 'preact/hooks';
import { FILTERS } from '../../contract/query.ts';
import type { Connection } from '../data/connection.ts';
import type { Memory, SavedView } from '../data/memory.ts';
import { type Chip, CLOCKS, type Clock, chipOf, hashOf, isNegated, negated, type Question } from '../data/question.ts';

interface Props {
  readonly memory: Memory;
  readonly connection: Connection;
  readonly question: Question;
  /** The bound that is no time. */
  readonly wrong: 'from' | 'to' | undefined;
  readonly ask: (change: Partial<Question>) => void;
  readonly isLive: boolean;
  readonly onLive: (isLive: boolean) => void;
}

const PERIODS = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
  ['', 'All time'],
] as const;
const CLOCK_NAMES: Readonly<Record<Clock, string>> = { utc: 'UTC', local: 'Local time', ago: 'Time ago' };

/** Trails, chips and times: what is asked. */
export function SearchBar(props: Props) {
  return (
    <section class="search" aria-label="Search">
      <Trails {...props} />
      <Chips {...props} />
      <Times {...props} />
      <Views {...props} />
    </section>
  );
}

function Trails({ connection, question, ask }: Props) {
  const known = connection.is === 'open' ? connection.trails.map(({ trail }) => trail) : [];
  const names = [...new Set([...known, ...question.trails])];
  const toggle = (trail: string, isOn: boolean) => {
    const trails = isOn ? [...question.trails, trail] : question.trails.filter((one) => one !== trail);
    ask({ trails, open: '' });
  };
  return (
    <details class="menu trails">
      <summary>{question.trails.length === 0 ? 'Choose a trail' : question.trails.join(', ')}</summary>
      <fieldset>
        <legend>Trails</legend>
        {names.map((trail) => (
          <label key={trail}>
            <input
              type="checkbox"
              checked={question.trails.includes(trail)}
              onChange={(event) => toggle(trail, event.currentTarget.checked)}
            />
            {trail}
          </label>
        ))}
      </fieldset>
    </details>
  );
}

function Chips({ question, ask }: Props) {
  const [text, setText] = useState('');
  const { chips } = question;
  const put = (next: readonly Chip[]) => ask({ chips: next, open: '' });
  const add = (event: Event) => {
    event.preventDefault();
    const chip = chipOf(text);
    if (chip === undefined) return;
    setText('');
    put([...chips.filter((one) => one.name !== chip.name || one.value !== chip.value), chip]);
  };
  return (
    <form class="chips" onSubmit={add}>
      {chips.map((chip, at) => (
        <span class={isNegated(chip) ? 'chip is-not' : 'chip'} key={`${chip.name}:${chip.value}`}>
          <button
            type="button"
            title="Turn into its contrary"
            aria-label={`Filter ${chip.name} ${chip.value}: turn into its contrary`}
            onClick={() => put(chips.with(at, negated(chip)))}
          >
            {chip.name}: <b>{chip.value}</b>
          </button>
          <button
            type="button"
            aria-label={`Remove the filter ${chip.name} ${chip.value}`}
            onClick={() => put(chips.filter((_, other) => other !== at))}
          >
            ×
          </button>
        </span>
      ))}
      <input
        id="search"
        list="filters"
        value={text}
        placeholder={
          chips.length === 0
            ? 'Search: actor:alice, type:auth.*, -outcome:success, details.amount > 100, any words'
            : 'Add a filter'
        }
        aria-label="Add a filter"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Backspace' && text === '' && chips.length > 0) put(chips.slice(0, -1));
        }}
      />
      <datalist id="filters">
        {FILTERS.map((name) => (
          <option key={name} value={`${name}:`} />
        ))}
      </datalist>
    </form>
  );
}

function Times({ question, wrong, ask, isLive, onLive }: Props) {
  const { from, to, clock } = question;
  const isPreset = to === '' && PERIODS.some(([value]) => value === from);
  const [isOwn, setOwn] = useState(!isPreset);
  const bound = (name: 'from' | 'to') => (
    <input
      key={name}
      class="time"
      aria-label={name === 'from' ? 'From' : 'To'}
      aria-invalid={wrong === name}
      title={wrong === name ? 'Not a time: write 2h, yesterday, 08:00 or 2026-01-31 08:00' : undefined}
      placeholder={name === 'from' ? 'from: 2h, yesterday, 2026-01-31 08:00' : 'to: now'}
      value={question[name]}
      onChange={(event) => ask({ [name]: event.currentTarget.value.trim(), open: '' })}
    />
  );
  return (
    <>
      <select
        aria-label="Period"
        value={isOwn || !isPreset ? 'own' : from}
        onChange={(event) => {
          const { value } = event.currentTarget;
          setOwn(value === 'own');
          if (value !== 'own') ask({ from: value, to: '', open: '' });
        }}
      >
        {PERIODS.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
        <option value="own">From … to …</option>
      </select>
      {(isOwn || !isPreset) && [bound('from'), bound('to')]}
      <select
        aria-label="Times"
        value={clock}
        onChange={(event) => ask({ clock: CLOCKS.find((one) => one === event.currentTarget.value) ?? 'utc' })}
      >
        {CLOCKS.map((one) => (
          <option key={one} value={one}>
            {CLOCK_NAMES[one]}
          </option>
        ))}
      </select>
      <button type="button" aria-pressed={isLive} disabled={to !== ''} onClick={() => onLive(!isLive)}>
        Live
      </button>
    </>
  );
}

function Views({ memory, question, ask }: Props) {
  const [views, setViews] = useState<readonly SavedView[]>(memory.views);
  const [name, setName] = useState('');
  const keep = (next: readonly SavedView[]) => {
    memory.views = next;
    setViews(next);
  };
  return (
    <details class="menu views">
      <summary>Views</summary>
      <div>
        <ul>
          {views.map((view) => (
            <li key={view.name}>
              <a href={view.hash}>{view.name}</a>
              <button
                type="button"
                aria-label={`Remove the view ${view.name}`}
                onClick={() => keep(views.filter((one) => one !== view))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() === '') return;
            keep([...views.filter((one) => one.name !== name.trim()), { name: name.trim(), hash: hashOf(question) }]);
            setName('');
          }}
        >
          <input
            aria-label="Name of the view"
            placeholder="Name"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit">Save this view</button>
        </form>
        <button type="button" onClick={() => void navigator.clipboard.writeText(location.href)}>
          Copy a link to it
        </button>
        <button type="button" onClick={() => ask({ chips: [], from: '24h', to: '', open: '' })}>
          Clear all filters
        </button>
      </div>
    </details>
  );
}
