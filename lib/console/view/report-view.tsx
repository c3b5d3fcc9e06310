import type { Report } from '../../verify/report/report.ts';
import { count, exactly, many } from '../browser/format.ts';

/** The report of an archive, as `sealtrail verify` gives it. */
export function ReportView({ report }: { readonly report: Report }) {
  const { trails, problems, problemCounts, skipped, keys, digest, witnesses } = report;
  const found = Object.values(problemCounts).reduce((sum, some) => sum + some, 0);
  return (
    <div class="report">
      <table>
        <caption>Trails</caption>
        <thead>
          <tr>
            <th scope="col">Trail</th>
            <th scope="col">Verdict</th>
            <th scope="col">Proven</th>
            <th scope="col">Checkpoints</th>
            <th scope="col">Objects</th>
            <th scope="col">First and last record</th>
          </tr>
        </thead>
        <tbody>
          {trails.map((one) => (
            <tr key={one.trail} class={`is-${one.verdict}`}>
              <th scope="row">{one.trail}</th>
              <td>{one.verdict}</td>
              <td>
                {count(one.proven)} of {count(one.records)}
              </td>
              <td>{count(one.checkpointsChecked)}</td>
              <td>{count(Object.values(one.objects).reduce((sum: number, some: number) => sum + some, 0))}</td>
              <td>
                {one.firstAt !== undefined && exactly(one.firstAt)} {one.lastAt !== undefined && exactly(one.lastAt)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {found > 0 && (
        <>
          <h3>{many(found, 'problem')}</h3>
          <ul class="problems">
            {problems.map(({ kind, trail, seq, object, message }, at) => (
              // A report does not change.
              <li key={at}>
                <b>{kind}</b>{' '}
                {[trail, seq === undefined ? undefined : `record ${count(seq)}`, object].filter(Boolean).join(', ')}:{' '}
                {message}
              </li>
            ))}
          </ul>
        </>
      )}
      {skipped.length > 0 && (
        <>
          <h3>Not looked at</h3>
          <ul>
            {skipped.map(({ trail, why }) => (
              <li key={why}>
                {trail} {why}
              </li>
            ))}
          </ul>
        </>
      )}
      {witnesses && (
        <p>
          {witnesses.size === undefined
            ? 'No quorum of witnesses cosigned.'
            : `Witnesses cosigned ${many(witnesses.size, 'head')}: ${witnesses.by.map(({ witness }) => witness).join(', ')}.`}
        </p>
      )}
      <h3>Keys</h3>
      <ul class="mono">
        {keys.map(({ name, keyId, fingerprint, trusted, signed }) => (
          <li key={`${name} ${keyId}`}>
            {trusted ? '✓ trusted' : '○ not trusted'} {name} {fingerprint} · {many(signed, 'signature')}
          </li>
        ))}
      </ul>
      <p class="mono">digest {digest}</p>
    </div>
  );
}
