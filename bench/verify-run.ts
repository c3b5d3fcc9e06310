import { readFile } from 'node:fs/promises';
import { openObjects } from '../lib/cli/shell/archive-source.ts';
import { verifyArchive } from '../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../lib/verify/evidence/trust.ts';

/**
 * `node bench/verify-run.ts ARCHIVE KEY WORKERS`: verifies once and prints the cost as JSON. Loads the same code as
 * `sealtrail verify`, since loaded code burdens the garbage collector.
 */

const [archive = '', key = '', workers = '1'] = process.argv.slice(2);
const objects = await openObjects(archive);
const plan = {
  count: Number(workers),
  module: new URL('../lib/cli/shell/archive-source.ts', import.meta.url).href,
  args: archive,
};
const before = process.cpuUsage();
const start = process.hrtime.bigint();
const report = await verifyArchive(objects, {
  trust: parseTrustedKeys(await readFile(key, 'utf8')),
  ...(plan.count > 1 ? { workers: plan } : {}),
});
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
if (report.verdict !== 'ok') throw new Error(`the archive does not verify: ${JSON.stringify(report.problems)}`);
const { user, system } = process.cpuUsage(before);
const records = report.trails.reduce((sum, trail) => sum + trail.records, 0);
const rssMb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ records, seconds, cpu: (user + system) / 1e6, rssMb }));
