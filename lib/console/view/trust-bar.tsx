import { asFile, download } from '../browser/download.ts';
import { count, many } from '../browser/format.ts';
import type { Listing } from '../browser/use-rows.ts';
import type { Standing } from '../data/trail-source.ts';

interface Props {
  readonly listing: Listing;
  readonly isPinned: boolean;
  readonly onKeys: () => void;
}

/** True if what is shown was checked, and what came of it: the first thing to see. */
export function TrustBar({ listing, isPinned, onKeys }: Props) {
  const { refused, error, standings, rows, isLoading } = listing;
  if (refused) {
    return (
      <section class="trust is-refused" role="alert">
        <strong>✕ Refused</strong>
        <span>What the log answered does not hold: {refused.message}. Keep the evidence.</span>
        <button
          type="button"
          onClick={() => download('sealtrail-evidence.json', asFile({ reason: refused.message, ...refused.evidence }))}
        >
          Download the evidence
        </button>
      </section>
    );
  }
  const isChecked = standings.length > 0 && standings.every(({ state }) => state === 'checked');
  const isStale = standings.some(({ growth }) => growth?.is === 'older');
  const state = isChecked && !isStale ? 'checked' : 'unchecked';
  return (
    <section class={`trust is-${state}`} role="status" aria-label="Trust">
      <strong>{isChecked ? (isStale ? '! Checked, not the newest' : '✓ Checked') : '○ Not checked'}</strong>
      <span>
        {error
          ? `The log did not answer: ${error.message}.`
          : isChecked
            ? sentence(standings, rows.length)
            : unchecked(standings, isPinned, isLoading)}
      </span>
      <button type="button" onClick={onKeys}>
        {isPinned ? 'Pinned keys' : 'Pin the log’s key'}
      </button>
    </section>
  );
}

function sentence(standings: readonly Standing[], rows: number): string {
  const under = standings.map(({ trail, size = 0 }) => `${count(size)} records of ${trail}`).join(', ');
  const isWhole = standings.every((one) => one.isWhole);
  const whole = isWhole ? 'none that passes is left out' : 'none between them is left out';
  return `${many(rows, 'record')} shown ${rows === 1 ? 'is' : 'are'} in the log, and ${whole}, under signed checkpoints of ${under}. ${standings.map(growthOf).join(' ')}`;
}

function growthOf({ trail, growth }: Standing): string {
  switch (growth?.is) {
    case 'grown':
      return `${trail} only grew since this browser saw ${count(growth.before)}.`;
    case 'same':
      return `${trail} is as this browser saw it before.`;
    case 'older':
      return `This is an older state of ${trail}: this browser has seen ${count(growth.before)} records.`;
    default:
      return `${trail} was seen here for the first time.`;
  }
}

function unchecked(standings: readonly Standing[], isPinned: boolean, isLoading: boolean): string {
  if (!isPinned) return 'Pin the public key of the log, and this browser checks every record that it shows.';
  if (standings.length === 0) return isLoading ? 'Asking the log…' : 'Nothing was asked.';
  return standings.flatMap(({ trail, why }) => (why === undefined ? [] : [`${trail}: ${why}.`])).join(' ');
}
