import type { RetentionConfig } from '../followers/expiry/retention.ts';

/** Rules that ask for logs to be kept for a least time, and where they say so. */
export const REGIMES = {
  /** Regulation (EU) 2024/1689, articles 19(1) and 26(6): at least six months, of which the longest have 184 days. */
  'eu-ai-act': { days: 184, rule: 'articles 19(1) and 26(6) of the EU AI Act' },
  /** PCI DSS 4.0.1, requirement 10.5.1: at least twelve months. */
  'pci-dss': { days: 366, rule: 'requirement 10.5.1 of PCI DSS 4.0.1' },
} as const;
/** One of {@link REGIMES}. */
export type Regime = keyof typeof REGIMES;

/** Which trails a rule holds for: those that a pattern matches. */
export interface RegimeLabel {
  readonly regime: Regime;
  /** `*` stands for any characters; all trails: `*`. */
  readonly trail: string;
  /** The place of the entry that has the label among the exceptions; -1 for all trails. */
  readonly entry: number;
}

/**
 * Demands that every trail with a label is locked for as long as its rule asks.
 *
 * @throws RangeError naming the rule, the trails, and the setting that is too short
 */
export function assertKept({ default: all = {}, trails = [] }: RetentionConfig, labels: readonly RegimeLabel[]): void {
  for (const { regime, trail, entry } of labels) {
    const { days, rule } = REGIMES[regime];
    const layers = [{ trail: '*', archiveDays: all.archiveDays }, ...trails];
    const own = entry + 1;
    // What an entry leaves open is settled by those before it; those after it come first.
    const least = layers[own]?.archiveDays === undefined ? 0 : own;
    const short = layers
      .slice(least)
      .find((layer) => (layer.archiveDays ?? days) < days && overlap(layer.trail, trail));
    if (short === undefined) continue;
    const where = short.trail === '*' ? 'archiveFor' : `archiveFor of the trails ${short.trail}`;
    const whose = trail === '*' ? 'all trails' : `the trails ${trail}`;
    throw new RangeError(
      `${rule} ask for at least ${days} days, and ${where} is ${short.archiveDays}: ${whose} cannot be labelled '${regime}'`,
    );
  }
}

/** True if some name matches both patterns. */
export function overlap(a: string, b: string): boolean {
  // reached[j]: whether the first characters of a, as many as were looked at, and the first j of b match a common text.
  let reached = Array.from({ length: b.length + 1 }, (_, j) => /^\**$/.test(b.slice(0, j)));
  for (const char of a) {
    const next: boolean[] = [char === '*' && reached[0] === true];
    for (let j = 1; j <= b.length; j++) {
      const other = b[j - 1];
      const isStar = char === '*' || other === '*';
      next[j] = isStar
        ? reached[j] === true || next[j - 1] === true || reached[j - 1] === true
        : reached[j - 1] === true && char === other;
    }
    reached = next;
  }
  return reached[b.length] === true;
}
