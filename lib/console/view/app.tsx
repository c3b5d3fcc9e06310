import { useEffect, useState } from 'preact/hooks';
import { useQuestion } from '../browser/use-question.ts';
import type { Api } from '../data/api.ts';
import { type Connection, connect } from '../data/connection.ts';
import type { Memory } from '../data/memory.ts';
import { EvidencePage } from './evidence-page.tsx';
import { LogPage } from './log-page.tsx';

const EVIDENCE = '#evidence';

/** The whole page: the log, or evidence that someone holds. */
export function App({ api, memory }: { readonly api: Api; readonly memory: Memory }) {
  const [question, ask] = useQuestion();
  const [isEvidence, setEvidence] = useState(location.hash === EVIDENCE);
  const [connection, setConnection] = useState<Connection>({ is: 'asking' });

  useEffect(() => {
    const read = () => setEvidence(location.hash === EVIDENCE);
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  useEffect(() => {
    void connect(api).then((found) => {
      setConnection(found);
      if (found.is === 'closed' && location.hash === '') setEvidence(true);
    });
  }, [api]);
  useEffect(() => {
    const [first] = connection.is === 'open' ? connection.trails.filter(({ trail }) => !trail.startsWith('_')) : [];
    if (first && location.hash !== EVIDENCE && question.trails.length === 0) ask({ trails: [first.trail] }, true);
  }, [connection, question.trails.length, ask]);

  return (
    <>
      <header class="top">
        <h1>
          <img src="icon.svg" alt="" width="20" height="20" /> Sealtrail
        </h1>
        <nav aria-label="Pages">
          <a href="#?from=24h" aria-current={isEvidence ? undefined : 'page'}>
            Log
          </a>
          <a href="#evidence" aria-current={isEvidence ? 'page' : undefined}>
            Verify evidence
          </a>
        </nav>
      </header>
      {isEvidence ? (
        <EvidencePage memory={memory} />
      ) : (
        <LogPage api={api} memory={memory} connection={connection} question={question} ask={ask} />
      )}
    </>
  );
}
