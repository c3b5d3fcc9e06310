import { useRef, useState } from 'preact/hooks';
import type { Policy } from '../../log/policy.ts';
import { fingerprintOf, parseTrustedKeys, type TrustedKeys } from '../../verify/evidence/trust.ts';
import type { Progress } from '../../verify/report/report.ts';
import { asFile, download } from '../browser/download.ts';
import { count } from '../browser/format.ts';
import { filesOfDrop, filesOfInput } from '../browser/given-files.ts';
import type { Memory } from '../data/memory.ts';
import type { GivenFile } from '../evidence/given-file.ts';
import { type Judgement, judge, type State } from '../evidence/judge.ts';
import { type Exhibit, sortFiles } from '../evidence/sort-files.ts';
import { ReportView } from './report-view.tsx';

interface Found {
  readonly exhibits: readonly Exhibit[];
  readonly keys: readonly { readonly about: string; readonly keys: TrustedKeys }[];
  readonly policy: Policy | undefined;
}

const NOTHING: Found = { exhibits: [], keys: [], policy: undefined };

/** Verifies what someone holds, in this page: it sends nothing anywhere. */
export function EvidencePage({ memory }: { readonly memory: Memory }) {
  const [found, setFound] = useState(NOTHING);
  const [judged, setJudged] = useState<readonly Judgement[]>([]);
  const [progress, setProgress] = useState<Progress>();
  const [said, setSaid] = useState('');
  const [isBusy, setBusy] = useState(false);
  const stop = useRef<AbortController | undefined>(undefined);

  const take = async (files: Promise<readonly GivenFile[]>) => {
    stop.current?.abort();
    const started = new AbortController();
    stop.current = started;
    const { signal } = started;
    // Verdicts on what was here before would stand under the new keys.
    setJudged([]);
    setProgress(undefined);
    setSaid('Reading…');
    setBusy(true);
    try {
      const given = await sortFiles(await files);
      if (signal.aborted) return;
      const next: Found = {
        exhibits: given.exhibits.length > 0 ? given.exhibits : found.exhibits,
        keys: given.keys.length > 0 ? given.keys : found.keys,
        policy: given.policies[0]?.policy ?? found.policy,
      };
      setFound(next);
      setSaid('');
      await check(next, signal);
    } catch (error) {
      if (!signal.aborted) setSaid(error instanceof Error ? error.message : String(error));
    } finally {
      if (stop.current === started) {
        setProgress(undefined);
        setBusy(false);
      }
    }
  };
  const check = async ({ exhibits, keys, policy }: Found, signal: AbortSignal) => {
    const trust = keys.length > 0 ? keys.flatMap((one) => one.keys) : pinned(memory);
    for (const exhibit of exhibits) {
      const judgement = await judge(exhibit, { trust, policy, signal, onProgress: setProgress });
      if (signal.aborted) return;
      setJudged((before) => [...before, judgement]);
    }
  };
  const isRefused = judged.some(({ state }) => state === 'refused');
  return (
    <main class={isRefused ? 'page is-refused' : 'page'} aria-busy={isBusy}>
      <Drop onFiles={(files) => void take(files)} />
      <Trusted found={found} memory={memory} />
      {said !== '' && <p role="status">{said}</p>}
      {progress && (
        <p role="status" class="row">
          <progress max={Math.max(1, progress.totalRecords)} value={progress.records} aria-label="Records checked" />
          {count(progress.records)} of {count(progress.totalRecords)} records · {progress.trail} ·{' '}
          {count(progress.problems)} problems
          <button
            type="button"
            onClick={() => {
              stop.current?.abort();
              setSaid('Stopped: what is below was checked before.');
            }}
          >
            Stop
          </button>
        </p>
      )}
      {judged.map((one) => (
        <Verdict key={`${one.kind} ${one.about}`} judged={one} />
      ))}
    </main>
  );
}

const pinned = (memory: Memory): TrustedKeys => (memory.keys === '' ? [] : parseTrustedKeys(memory.keys));

function Drop({ onFiles }: { readonly onFiles: (files: Promise<readonly GivenFile[]>) => void }) {
  const [isOver, setOver] = useState(false);
  const choose = (label: string, isFolder: boolean) => (
    <label class="button">
      {label}
      <input
        type="file"
        multiple
        class="hidden"
        {...(isFolder && { webkitdirectory: true })}
        onChange={(event) => {
          onFiles(filesOfInput(event.currentTarget.files));
          event.currentTarget.value = '';
        }}
      />
    </label>
  );
  return (
    // The two buttons do the same.
    <section
      class={isOver ? 'drop is-over' : 'drop'}
      aria-label="Evidence"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onFiles(filesOfDrop(event.dataTransfer));
      }}
    >
      <h2>Verify evidence that you hold</h2>
      <p>
        Drop an archive folder, an export with its manifest and proof, a receipt, a proof with its record, or the proof
        of an answer, and the log’s public key. Nothing leaves this page: it works without a network.
      </p>
      <div class="row">
        {choose('Choose files', false)}
        {choose('Choose a folder', true)}
      </div>
    </section>
  );
}

function Trusted({ found, memory }: { readonly found: Found; readonly memory: Memory }) {
  const keys = found.keys.length > 0 ? found.keys : [{ about: 'pinned for this address', keys: pinned(memory) }];
  const all = keys.filter((one) => one.keys.length > 0);
  if (all.length === 0) return <p class="notice">No key yet: give the public key of the log, a .pem or .vkey file.</p>;
  return (
    <section class="panel" aria-label="Trusted keys">
      {all.map(({ about, keys: list }) => (
        <p key={about}>
          Trusted: <b>{about}</b>, SHA-256{' '}
          <span class="mono">{[...new Set(list.map(({ spki }) => fingerprintOf(spki)))].join(', ')}</span>
        </p>
      ))}
      {found.policy && <p>Witnesses must have cosigned.</p>}
    </section>
  );
}

const STATES: Readonly<Record<State, string>> = {
  checked: '✓ Checked',
  partly: '! Not all is proven',
  refused: '✕ Refused',
  unreadable: '○ Not checked',
};
const TRUST: Readonly<Record<State, string>> = {
  checked: 'checked',
  partly: 'unchecked',
  refused: 'refused',
  unreadable: 'unchecked',
};

function Verdict({ judged }: { readonly judged: Judgement }) {
  const { about, kind, state, sentence, report } = judged;
  return (
    <article class="verdict">
      <div class={`trust is-${TRUST[state]}`} role={state === 'refused' ? 'alert' : 'status'}>
        <strong>{STATES[state]}</strong>
        <span>
          <b>{about}</b> ({kind}): {sentence}
        </span>
        <button type="button" onClick={() => download('sealtrail-verdict.json', asFile(report ?? judged))}>
          Save the {report ? 'report' : 'verdict'}
        </button>
      </div>
      {report && <ReportView report={report} />}
    </article>
  );
}
