import { HEADS_TRAIL, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import { checkpointName } from '../../log/archive.ts';
import type { Policy } from '../../log/policy.ts';
import { judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import { keysOfTrail, type TrustedKeys } from '../evidence/trust.ts';
import type { Problem } from '../report/problem.ts';
import type { Skipped, WitnessReport } from '../report/report.ts';
import type { JoinedHeads, StatedHead } from '../shards/head-records.ts';
import type { Claim } from '../shards/shard-job.ts';
import type { TrailOutcome } from './trail-outcome.ts';

/**
 * How long a record may be without a cosigned head, in milliseconds: a log archives, states and submits within a minute, and a
 * witness may be away for a while.
 */
const GRACE_MS = 600_000;

/** The statements of `_heads` on the other trails. */
export interface Stated {
  /** The claim that a trail must give; undefined: nothing is stated of it. */
  claimOf(trail: string): Claim | undefined;
  /** Records of a trail that a cosigned head covers. */
  witnessedOf(trail: string): number;
  /** Trails of which a head is stated. */
  readonly trails: readonly string[];
}

/** Takes only statements that are proven to be in `_heads`. */
export function statedBy(heads: TrailOutcome | undefined): Stated {
  const proven = heads?.coverage.covered.to ?? 0;
  const stated = new Map([...(heads?.heads.stated ?? [])].filter(([, { newest }]) => newest.seq < proven));
  return {
    claimOf: (trail) => {
      const head = stated.get(trail)?.newest;
      return head && claimFrom(head);
    },
    witnessedOf: (trail) => (trail === HEADS_TRAIL ? heads?.witnessed?.size : stated.get(trail)?.witnessed?.size) ?? 0,
    trails: [...stated.keys()],
  };
}

const claimFrom = ({ trail, size, root }: StatedHead): Claim => ({
  ...{ size, root, object: checkpointName(trail, size) },
  source: 'stated',
  trusted: false,
});

/** Records of `_heads` that state two roots for one size: the log contradicts itself. */
export function forkedStatements({ forked }: JoinedHeads): Problem[] {
  return forked.map(({ seq, before, trail }) => ({
    kind: 'fork',
    trail: HEADS_TRAIL,
    seq,
    message: `it states another root of ${trail} than record ${before} does for the same size: two histories were signed`,
  }));
}

/**
 * Evidence that witnesses showed the log when they contradicted it: checkpoints of `_heads` with the log's own signature, which the
 * archive must extend like one that an auditor kept.
 */
export function evidenceClaims(system: TrailOutcome | undefined, trust: TrustedKeys, logName: string): Claim[] {
  const origin = `${logName}/${HEADS_TRAIL}`;
  const trusted = keysOfTrail(trust, origin, HEADS_TRAIL);
  return (system?.heads.conflicts ?? []).flatMap(({ evidence, seq }) => {
    if (evidence === undefined) return [];
    const { checkpoint, trusted: isTrusted } = judgeCheckpoint(Buffer.from(evidence), { origin, trusted, known: [] });
    if (checkpoint === undefined || !isTrusted) return [];
    const { size, root } = checkpoint;
    const object = `the checkpoint in record ${seq} of ${SYSTEM_TRAIL}`;
    return [{ size, root, object, source: 'previous' as const, trusted: true }];
  });
}

/** The verdict on witnesses under a policy. */
export interface WitnessVerdict {
  readonly report: WitnessReport;
  readonly problems: readonly Problem[];
  readonly skipped: readonly Skipped[];
}

/** @param now Unix milliseconds */
export function judgeWitnesses(
  policy: Policy,
  outcomes: readonly TrailOutcome[],
  stated: Stated,
  now: number,
): WitnessVerdict {
  const problems: Problem[] = [];
  const skipped: Skipped[] = [];
  const heads = outcomes.find(({ coverage }) => coverage.trail === HEADS_TRAIL);
  const newest = heads?.witnessed;
  if (newest === undefined)
    problems.push({ kind: 'not_witnessed', trail: HEADS_TRAIL, object: WITNESSED, message: NONE });
  else for (const outcome of outcomes) judgeTrail(outcome, stated, now, problems, skipped);
  const system = outcomes.find(({ coverage }) => coverage.trail === SYSTEM_TRAIL);
  const vkeys = new Set(policy.witnesses.map(({ cosigner }) => cosigner.vkey));
  for (const { seq, kind, vkey, description } of system?.heads.conflicts ?? []) {
    // One that lost its memory says nothing against the log.
    if (!vkeys.has(vkey) || kind === 'forgot') continue;
    const message = `the log recorded that a witness contradicted it: ${description}`;
    problems.push({ kind: 'witness_conflict', trail: SYSTEM_TRAIL, seq, message });
  }
  return { report: newest === undefined ? { by: [] } : { size: newest.size, by: newest.by }, problems, skipped };
}

const WITNESSED = `${HEADS_TRAIL}/witnessed/`;
const NONE = 'the archive holds no checkpoint of the heads that the quorum of the policy cosigned';

function judgeTrail(
  { coverage, timedAt }: TrailOutcome,
  stated: Stated,
  now: number,
  problems: Problem[],
  skipped: Skipped[],
): void {
  const { trail, covered } = coverage;
  const from = stated.witnessedOf(trail);
  if (from >= covered.to) return;
  const records = { from, to: covered.to };
  const receivedAt = timedAt.get(from);
  if (receivedAt !== undefined && now - receivedAt < GRACE_MS) {
    skipped.push({ trail, records, why: 'not under cosigned heads yet: received within the last ten minutes' });
    return;
  }
  const message = 'no head that covers these records was cosigned, although they are older than ten minutes';
  problems.push({ kind: 'not_witnessed', trail, seq: from, lastSeq: covered.to - 1, message });
}
