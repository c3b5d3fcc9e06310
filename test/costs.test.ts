import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALARMS, costTable, dollars, FIXED, METRICS, PAGE, readUsage, shownIn, sumOf } from '../bench/cost-table.ts';
import { PRICES } from '../bench/prices.ts';
import { UNITS } from '../functions/telemetry.ts';
import { synthesise } from './stack/synthesised.ts';

/** docs/costs.md shows what the bench has measured, at the prices of bench/prices.ts. */

const page = readFileSync(PAGE, 'utf8');

describe('the page of costs', () => {
  it('shows the usage that the bench has kept, at the prices of its list', () => {
    expect(shownIn(page)).toBe(costTable(readUsage()));
    expect(readUsage()).toHaveLength(3);
  });

  it('sums up what it lists', () => {
    for (const used of readUsage()) {
      const shown = Object.values(dollars(used)).reduce((sum, value) => sum + Math.round(100 * value) / 100, 0);
      expect(shown).toBeCloseTo(sumOf(used), 1);
    }
    expect(FIXED).toBeCloseTo(1 + 4.2 + 3 + 4.8, 5);
    expect(page).toContain('4.20; dashboard 3.00; 16 metrics at 0.30, 4.80');
  });

  it('counts the alarms and metrics of the stack', () => {
    // With the one that the access log is counted into, and without that of time-stamps, which only who has them pays for.
    expect(METRICS).toBe(Object.keys(UNITS).filter((name) => name !== 'TimestampLag').length + 1);
    expect(Object.keys(synthesise({ stage: 'prod' }).findResources('AWS::CloudWatch::Alarm'))).toHaveLength(ALARMS);
  });

  it('names prices of the list', () => {
    expect(page).toContain(
      `alarms at ${PRICES.alarm.toFixed(2)} and one over them at ${PRICES.compositeAlarm.toFixed(2)}`,
    );
    expect(page).toContain(`signing key ${PRICES.key.toFixed(2)}`);
  });
});
