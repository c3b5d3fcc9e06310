import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRICES } from './prices.ts';

/** What a deployment uses in a month, as the bench has measured it. */
export interface MonthlyUsage {
  readonly what: string;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly signatures: number;
  readonly requests: number;
  readonly invocations: number;
  /** Of functions, at the bench's memory. */
  readonly gigabyteSeconds: number;
  readonly puts: number;
  readonly gets: number;
}

/** What each deployment pays for itself: key, alarms and the one over them, dashboard, metrics. */
export const ALARMS = 37;
export const METRICS = 16;
export const FIXED =
  PRICES.key + ALARMS * PRICES.alarm + PRICES.compositeAlarm + PRICES.dashboard + METRICS * PRICES.metric;

/** Dollars of what was used, by what is billed. */
export function dollars(used: MonthlyUsage): Readonly<Record<string, number>> {
  return {
    'DynamoDB writes': used.writeUnits * PRICES.writeUnit,
    'DynamoDB reads': used.readUnits * PRICES.readUnit,
    'KMS signatures': used.signatures * PRICES.signature,
    'HTTP API': used.requests * PRICES.apiRequest,
    Lambda: used.invocations * PRICES.invocation + used.gigabyteSeconds * PRICES.gigabyteSecond,
    'S3 requests': used.puts * PRICES.put + used.gets * PRICES.get,
    'key, alarms, dashboard, metrics': FIXED,
  };
}

export const sumOf = (used: MonthlyUsage): number =>
  Object.values(dollars(used)).reduce((sum, value) => sum + value, 0);

/** Where the usage of the last run of the bench is kept, and the page that shows it. */
const USAGE_FILE = join(import.meta.dirname, 'cost-usage.json');
export const PAGE = join(import.meta.dirname, '../docs/costs.md');
const [BEGIN, END] = ['<!-- made by npm run bench -- cost -->', '<!-- end -->'];

export const readUsage = (): readonly MonthlyUsage[] => JSON.parse(readFileSync(USAGE_FILE, 'utf8'));

/** Keeps what the bench has measured, and puts it into the page. */
export function keepUsage(usage: readonly MonthlyUsage[]): void {
  writeFileSync(USAGE_FILE, `${JSON.stringify(usage, null, 2)}\n`);
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, page.replace(shownIn(page), costTable(usage)));
}

/** The part of the page that the bench has made. */
export const shownIn = (page: string): string => page.slice(page.indexOf(BEGIN), page.indexOf(END) + END.length);

const money = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const amount = (value: number): string =>
  value >= 100_000
    ? `${(value / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })} M`
    : Math.round(value).toLocaleString('en-US');

/** Dollars and amounts a month, as Markdown. */
export function costTable(usage: readonly MonthlyUsage[]): string {
  const row = (name: string, cells: readonly string[]): string => `| ${[name, ...cells].join(' | ')} |`;
  const costs = usage.map(dollars);
  const amounts: readonly (readonly [string, (used: MonthlyUsage) => number])[] = [
    ['write units', (used) => used.writeUnits],
    ['read units', (used) => used.readUnits],
    ['signatures', (used) => used.signatures],
    ['GB-seconds of functions', (used) => used.gigabyteSeconds],
    ['objects put or listed', (used) => used.puts],
    ['objects got', (used) => used.gets],
  ];
  return [
    BEGIN,
    row(
      'dollars a month',
      usage.map(({ what }) => what),
    ),
    row(
      '---',
      usage.map(() => '---'),
    ),
    ...Object.keys(costs[0] ?? {}).map((name) =>
      row(
        name,
        costs.map((cost) => money(cost[name] ?? 0)),
      ),
    ),
    row(
      '**in all**',
      usage.map((used) => `**${money(sumOf(used))}**`),
    ),
    ...amounts.map(([name, of]) =>
      row(
        name,
        usage.map((used) => amount(of(used))),
      ),
    ),
    END,
  ].join('\n');
}
