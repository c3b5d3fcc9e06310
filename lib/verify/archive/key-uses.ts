import { vkeyName } from '../../log/archive.ts';
import type { Verifier } from '../../log/note.ts';
import { fingerprintOf, keyIdText, keysOfTrail, type TrustedKeys } from '../evidence/trust.ts';
import { type Findings, quoted } from '../report/findings.ts';
import type { KeyUse } from '../report/report.ts';
import type { TrailOutcome } from './trail-outcome.ts';

/**
 * Every key that is trusted for a trail or held by the archive, by name and ID, and what it signed.
 *
 * @param isWhole whether all trails were looked at. Of a part, nothing is said of keys under the names of other trails
 */
export function keyUses(
  outcomes: readonly TrailOutcome[],
  trust: TrustedKeys,
  archived: readonly Verifier[],
  isWhole: boolean,
): KeyUse[] {
  const uses = new Map<string, KeyUse>();
  const enter = (
    verifier: Verifier,
    use: Pick<KeyUse, 'trusted' | 'signed'> & { from?: number; to?: number },
  ): void => {
    const { name, algorithm, spki } = verifier;
    const keyId = keyIdText(verifier.keyId);
    const place = `${name} ${keyId} ${use.from ?? ''} ${use.to ?? ''}`;
    if (use.trusted || !uses.has(place))
      uses.set(place, { name, keyId, algorithm, fingerprint: fingerprintOf(spki), ...use });
  };
  for (const { coverage, signed } of outcomes) {
    const { origin, trail } = coverage;
    if (origin === undefined) continue;
    for (const { verifier, from, to } of keysOfTrail(trust, origin, trail)) {
      const bounds = { ...(from > 0 ? { from } : {}), ...(to < Number.MAX_SAFE_INTEGER ? { to } : {}) };
      enter(verifier, { trusted: true, signed: signed.get(verifier.keyId) ?? 0, ...bounds });
    }
  }
  const known = new Set([...uses.values()].map(({ name, keyId }) => `${name} ${keyId}`));
  for (const verifier of archived) {
    if (known.has(`${verifier.name} ${keyIdText(verifier.keyId)}`)) continue;
    const outcome = outcomes.find(({ coverage }) => coverage.origin === verifier.name);
    if (outcome === undefined && !isWhole) continue;
    enter(verifier, { trusted: false, signed: outcome?.signed.get(verifier.keyId) ?? 0 });
  }
  return [...uses.values()];
}

/**
 * Reports keys of the archive that vouch for nothing and that nothing vouches for. One key signs under a name for each trail:
 * where it is trusted for one, it is no stranger in the others.
 */
export function reportUnvouched(uses: readonly KeyUse[], trust: TrustedKeys, findings: Findings): void {
  const vouched = new Set(trust.map(({ spki }) => fingerprintOf(spki)));
  for (const { name, keyId, fingerprint, trusted, signed } of uses) {
    if (trusted || signed > 0 || vouched.has(fingerprint)) continue;
    const message = `the key is named ${quoted(name)}, no trusted key vouches for it, and it signed no checkpoint`;
    findings.add({ kind: 'unvouched_key', object: vkeyName(keyId), message });
  }
}
