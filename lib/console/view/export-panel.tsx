import { useState } from 'preact/hooks';
import { EXPORT_FORMATS, type ExportFormat, type ExportReply } from '../../contract/exports.ts';
import { isObject } from '../../log/json.ts';
import { asFile, download, follow } from '../browser/download.ts';
import { count, many } from '../browser/format.ts';
import { type Api, ApiError } from '../data/api.ts';
import { type Period, type Question, selectionOf } from '../data/question.ts';

interface Props {
  readonly api: Api;
  readonly question: Question;
  readonly period: Period;
}

const LOOK_MS = 500;

/** The records of the question as a file, made by the log, with its manifest and proof. */
export function ExportPanel({ api, question, period }: Props) {
  const [format, setFormat] = useState<ExportFormat>('ndjson');
  const [jobs, setJobs] = useState<readonly ExportReply[]>([]);
  const [said, setSaid] = useState('');
  const start = async () => {
    setSaid('Asking…');
    try {
      for (const trail of question.trails) {
        let job = await api.post(`/v1/trails/${trail}/exports`, requestOf(question, period, format));
        for (;;) {
          if (!isExport(job)) throw new ApiError(200, 'unavailable', 'the log did not answer with an export');
          const known = job;
          setJobs((jobs) => [...jobs.filter(({ id }) => id !== known.id), known]);
          if (job.state === 'done' || job.state === 'failed' || job.state === 'expired') break;
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
          job = await api.json(`/v1/trails/${trail}/exports/${job.id}`);
        }
      }
      setSaid('');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setSaid(error.message);
    }
  };
  return (
    <section class="panel" aria-label="Export">
      <div class="row">
        <label>
          Format{' '}
          <select
            value={format}
            onChange={(event) => setFormat(EXPORT_FORMATS.find((one) => one === event.currentTarget.value) ?? 'ndjson')}
          >
            {EXPORT_FORMATS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="button" class="primary" onClick={() => void start()}>
          Export what passes
        </button>
        <span role="status">{said}</span>
      </div>
      <ul class="jobs">
        {jobs.map((job) => (
          <Job key={job.id} job={job} />
        ))}
      </ul>
    </section>
  );
}

function Job({ job }: { readonly job: ExportReply }) {
  const { id, trail, format, state, progress, manifest, links, error } = job;
  const name = `${trail}-${id.slice(0, 8)}.${format}`;
  return (
    <li>
      {name}: {state === 'done' ? many(manifest?.records ?? 0, 'record') : state}
      {state !== 'done' && progress && (
        <progress
          max={Math.max(1, progress.of)}
          value={progress.at}
          aria-label={`${name}: ${count(progress.at)} of ${count(progress.of)} records read`}
        />
      )}
      {error && <span> {error.message}</span>}
      {links && manifest && (
        <>
          <button type="button" onClick={() => follow(links.file, name)}>
            File
          </button>
          <button type="button" onClick={() => download(`${name}.manifest.json`, asFile(manifest))}>
            Manifest
          </button>
          {(['proof', 'complete'] as const).map((what) => {
            const link = links[what];
            return (
              link !== undefined && (
                <button key={what} type="button" onClick={() => follow(link, `${name}.${what}`)}>
                  {what === 'proof' ? 'Proof' : 'Proof of completeness'}
                </button>
              )
            );
          })}
        </>
      )}
    </li>
  );
}

/** Filters by name, each with all of its values. */
function requestOf(question: Question, period: Period, format: ExportFormat): Record<string, unknown> {
  const request: Record<string, string[] | string | number> = { format };
  for (const [name, value] of selectionOf(question, {})) {
    const known = request[name];
    request[name] =
      name === 'seq' || name.endsWith('everity') ? value : [...(Array.isArray(known) ? known : []), value];
  }
  return { ...request, ...period };
}

const isExport = (value: unknown): value is ExportReply =>
  isObject(value) && typeof value.id === 'string' && typeof value.state === 'string';
