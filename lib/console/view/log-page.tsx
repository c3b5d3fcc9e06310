import { useEffect, useMemo, useState } from 'preact/hooks';
import { useRows } from '../browser/use-rows.ts';
import type { Api } from '../data/api.ts';
import type { Connection } from '../data/connection.ts';
import type { Memory } from '../data/memory.ts';
import { type Chip, negated, type Question, VIEWS, type View } from '../data/question.ts';
import { rowName } from '../data/rows.ts';
import { Drawer } from './drawer.tsx';
import { ExportPanel } from './export-panel.tsx';
import { Histogram } from './histogram.tsx';
import { KeysPanel } from './keys-panel.tsx';
import { RowList } from './row-list.tsx';
import { Runs } from './runs.tsx';
import { SearchBar } from './search-bar.tsx';
import { Activity, SummaryView } from './summary-view.tsx';
import { TrustBar } from './trust-bar.tsx';

export interface LogProps {
  readonly api: Api;
  readonly memory: Memory;
  readonly connection: Connection;
  readonly question: Question;
  readonly ask: (change: Partial<Question>, replaces?: boolean) => void;
}

const NAMES: Readonly<Record<View, string>> = {
  records: 'Records',
  summary: 'Summary',
  activity: 'Activity',
  runs: 'Agent runs',
};

/** The log: what was asked, whether it holds, and what came. */
export function LogPage({ api, memory, connection, question, ask }: LogProps) {
  const [pinned, setPinned] = useState(memory.keys);
  const [isLive, setLive] = useState(false);
  const [panel, setPanel] = useState<'keys' | 'export' | undefined>();
  const [isPrinting, setPrinting] = useState(false);
  const [listing, more] = useRows(api, memory, question, { isLive, pinned });
  const { rows, refused } = listing;
  const opened = useMemo(() => rows.find((row) => rowName(row) === question.open), [rows, question.open]);
  const narrow = (chip: Chip, isNot = false) => {
    const added = isNot ? negated(chip) : chip;
    const others = question.chips.filter(({ name, value }) => name !== added.name || value !== added.value);
    ask({ chips: [...others, added], view: 'records', open: '' });
  };

  useEffect(() => {
    if (!isPrinting) return;
    const done = () => setPrinting(false);
    addEventListener('afterprint', done, { once: true });
    print();
    return () => removeEventListener('afterprint', done);
  }, [isPrinting]);

  if (connection.is === 'closed') {
    return (
      <main class="page">
        <section class="notice">
          <h2>Not connected</h2>
          <p>{connection.why}</p>
          <p>
            <a href="#evidence">Verify evidence that you hold</a> works without a log, and without a network.
          </p>
        </section>
      </main>
    );
  }
  return (
    <main class={refused ? 'page is-refused' : 'page'}>
      <TrustBar
        listing={listing}
        isPinned={pinned !== ''}
        onKeys={() => setPanel(panel === 'keys' ? undefined : 'keys')}
      />
      {panel === 'keys' && <KeysPanel api={api} memory={memory} trails={question.trails} onPinned={setPinned} />}
      <SearchBar
        memory={memory}
        connection={connection}
        question={question}
        wrong={listing.period.wrong}
        ask={ask}
        isLive={isLive}
        onLive={setLive}
      />
      <Histogram api={api} question={question} period={listing.period} ask={ask} />
      <div class="tabs">
        <div role="tablist" aria-label="Views">
          {VIEWS.map((view) => (
            <button
              key={view}
              type="button"
              role="tab"
              id={`tab-${view}`}
              aria-selected={question.view === view}
              aria-controls="view"
              onClick={() => ask({ view })}
            >
              {NAMES[view]}
            </button>
          ))}
        </div>
        <span class="space" />
        <button
          type="button"
          aria-expanded={panel === 'export'}
          onClick={() => setPanel(panel === 'export' ? undefined : 'export')}
        >
          Export
        </button>
        <button type="button" onClick={() => setPrinting(true)}>
          Print
        </button>
      </div>
      {panel === 'export' && <ExportPanel api={api} question={question} period={listing.period} />}
      <div id="view" class="view" role="tabpanel" aria-labelledby={`tab-${question.view}`}>
        {question.view === 'records' && (
          <RowList listing={listing} question={question} ask={ask} onMore={more} isPrinting={isPrinting} />
        )}
        {question.view === 'summary' && (
          <SummaryView api={api} question={question} period={listing.period} onNarrow={narrow} />
        )}
        {question.view === 'activity' && (
          <Activity api={api} question={question} period={listing.period} onNarrow={narrow} />
        )}
        {question.view === 'runs' && <Runs rows={rows} question={question} ask={ask} onNarrow={narrow} />}
        {opened && (
          <Drawer
            key={rowName(opened)}
            api={api}
            memory={memory}
            row={opened}
            standing={listing.standings.find(({ trail }) => trail === opened.trail)}
            question={question}
            ask={ask}
            onNarrow={narrow}
          />
        )}
      </div>
    </main>
  );
}
