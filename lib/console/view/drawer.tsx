import { useEffect, useRef, useState } from 'preact/hooks';
import { dimensionsOf } from '../../contract/dimensions.ts';
import { FILTER_NAMES } from '../../contract/query.ts';
import { toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash } from '../../log/hash.ts';
import { isObject } from '../../log/json.ts';
import { checkProofFile } from '../../verify/files/proof-file.ts';
import { asFile, download } from '../browser/download.ts';
import { count, exactly, moment } from '../browser/format.ts';
import { trustOf } from '../browser/use-rows.ts';
import { type Api, ApiError } from '../data/api.ts';
import type { Memory } from '../data/memory.ts';
import type { Chip, Question } from '../data/question.ts';
import { type Row, recordOf } from '../data/rows.ts';
import type { Standing } from '../data/trail-source.ts';
import { settled } from '../platform/signatures.ts';
import { ChangesTable } from './changes.tsx';

interface Props {
  readonly api: Api;
  readonly memory: Memory;
  readonly row: Row;
  readonly standing: Standing | undefined;
  readonly question: Question;
  readonly ask: (change: Partial<Question>) => void;
  readonly onNarrow: (chip: Chip, isNot?: boolean) => void;
}

/** One record: what it says, who sent it, and what vouches for it. */
export function Drawer({ api, memory, row, standing, question, ask, onNarrow }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const record = recordOf(row.line);
  const { event, submitter, receivedAt, seq } = record;
  const close = () => {
    ask({ open: '' });
    document.querySelector<HTMLElement>('.rows')?.focus();
  };
  useEffect(() => heading.current?.focus(), []);
  return (
    // Escape closes it wherever the focus is.
    <aside class="drawer" aria-label="Record" onKeyDown={(key) => key.key === 'Escape' && close()}>
      <div class="row">
        <h2 ref={heading} tabIndex={-1}>
          {String(event.type)}
        </h2>
        <span class="space" />
        <button type="button" aria-label="Close" onClick={close}>
          ×
        </button>
      </div>
      <p class="muted">
        Record {count(seq)} of {row.trail}, received {moment(receivedAt, question.clock)}{' '}
        {typeof event.time === 'string' && `· happened ${event.time}`}
      </p>
      <Proof api={api} memory={memory} row={row} standing={standing} />
      {typeof event.description === 'string' && <p>{event.description}</p>}
      <h3>Facts</h3>
      <dl class="facts">
        {dimensionsOf(record).map(([name, value]) => (
          <Fact key={`${name}:${value}`} chip={{ name, value }} onNarrow={onNarrow} />
        ))}
      </dl>
      {isObject(event.changes) && <ChangesTable before={event.changes.before} after={event.changes.after} />}
      {isObject(event.details) && (
        <>
          <h3>Details</h3>
          <pre>{JSON.stringify(event.details, undefined, 2)}</pre>
        </>
      )}
      <h3>Sent by</h3>
      <p class="mono">{submitter}</p>
      <p class="muted">Server’s time {exactly(receivedAt)}</p>
      <details>
        <summary>Raw JSON, as it was hashed</summary>
        <pre>{JSON.stringify(record, undefined, 2)}</pre>
        <p class="mono">leaf hash {toHex(leafHash(row.line))}</p>
        <button type="button" onClick={() => download(`${row.trail}-${seq}.record.json`, `${row.line}\n`)}>
          Download the line
        </button>
      </details>
    </aside>
  );
}

function Fact({ chip, onNarrow }: { readonly chip: Chip; readonly onNarrow: Props['onNarrow'] }) {
  const { name, value } = chip;
  // A star in a value would mean any characters.
  const literal = { name, value: value.replaceAll('*', '\\*') };
  const canNarrow = FILTER_NAMES.some((one) => one === name) && name !== 'severity';
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span>{value}</span>
        {canNarrow && (
          <>
            <button
              type="button"
              aria-label={`Only ${name} ${value}`}
              title="Only these"
              onClick={() => onNarrow(literal)}
            >
              =
            </button>
            <button
              type="button"
              aria-label={`Not ${name} ${value}`}
              title="Not these"
              onClick={() => onNarrow(literal, true)}
            >
              ≠
            </button>
          </>
        )}
      </dd>
    </div>
  );
}

/** The evidence for the record, and its proof to download. */
function Proof({ api, memory, row, standing }: Pick<Props, 'api' | 'memory' | 'row' | 'standing'>) {
  const [said, setSaid] = useState<{ readonly isWrong: boolean; readonly text: string }>();
  const path = `/v1/trails/${row.trail}/events/${row.seq}/proof`;
  const name = `${row.trail}-${row.seq}`;
  const check = async () => {
    try {
      const { text: proof } = await api.get(path);
      download(`${name}.tlog-proof`, proof, 'text/plain');
      const trust = trustOf(memory);
      if (trust.length === 0) return setSaid({ isWrong: false, text: 'Saved. Pin a key to have it checked here.' });
      const { size, origin } = await settled(() => checkProofFile(proof, row.line, trust));
      setSaid({ isWrong: false, text: `In ${origin}, under a signed checkpoint of ${count(size)} records.` });
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof SealtrailError)) throw error;
      setSaid({ isWrong: error instanceof SealtrailError, text: error.message });
    }
  };
  const state = said?.isWrong ? 'refused' : row.trust;
  const words = {
    unchecked: 'Not checked.',
    checked: `Checked: in the log, under a signed checkpoint of ${count(standing?.size ?? 0)} records.`,
    refused: 'Refused: it does not hold.',
  };
  return (
    <div class={`trust is-${state}`}>
      <span>{words[state]}</span>
      {said && <span role="status">{said.text}</span>}
      <button type="button" onClick={() => void check()}>
        Save its proof
      </button>
      {standing?.checkpoint && (
        <button
          type="button"
          onClick={() => download(`${row.trail}.checkpoint`, standing.checkpoint ?? '', 'text/plain')}
        >
          Checkpoint
        </button>
      )}
      {state === 'refused' && (
        <button type="button" onClick={() => download(`${name}-evidence.json`, asFile({ ...row, said }))}>
          Evidence
        </button>
      )}
    </div>
  );
}
