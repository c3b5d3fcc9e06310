import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import axeCore from 'axe-core';
import type { Page } from 'playwright-core';
import { buildConsole } from '../../../build/console.ts';
import { type ConsoleProxy, startConsoleProxy } from '../../../lib/cli/console/console-proxy.ts';
import { exhibits } from '../exhibits.ts';
import { append, HOSTILE, ordinaryEvents, type ServedConsoleLog, servedLog } from '../log.ts';
import { BROWSERS, type BrowserName, installBrowsers, launch, windowOf } from './browsers.ts';

/** The console in real browsers, against a served log and with the network off. `SEALTRAIL_SHOTS` names a folder for screenshots. */

const ROOT = resolve(import.meta.dirname, '../../..');
const SHOTS = process.env.SEALTRAIL_SHOTS;

function expectThat(what: string, holds: boolean, found?: unknown): void {
  if (!holds) throw new Error(`not so: ${what}${found === undefined ? '' : `: ${JSON.stringify(found)}`}`);
  console.log(`ok ${what}`);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What a test of one browser has. */
interface Scene {
  readonly name: BrowserName;
  readonly served: ServedConsoleLog;
  readonly proxy: ConsoleProxy;
  readonly keys: string;
  readonly page: Page;
}

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** Opens the page at a question, with the state settled. */
async function ask(page: Page, origin: string, query: string): Promise<void> {
  await page.goto(`${origin}/console/${query === '' ? '' : `#?${query}`}`);
  await page.reload({ waitUntil: 'networkidle' });
  await page.waitForSelector('.trust');
  await page.waitForFunction(
    () => !document.querySelector('.loading') && !document.body.innerText.includes('Asking the log'),
  );
}

/** The names of the rows that are drawn, top to bottom. */
const rowsOf = (page: Page): Promise<string[]> =>
  page.$$eval('.line', (lines) =>
    lines
      .sort((a, b) => Number(a.getAttribute('aria-rowindex')) - Number(b.getAttribute('aria-rowindex')))
      .map(({ id }) => id.replace('row-', '')),
  );

/** Violations of WCAG 2.2 AA. */
async function axe(page: Page): Promise<unknown[]> {
  // As an evaluated script: the page's own policy lets nothing else in.
  await page.evaluate(axeCore.source);
  return page.evaluate(async () => {
    const runner = (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: never[] }> } }).axe;
    const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await runner.run({ runOnly: { type: 'tag', values } });
    return violations.map(({ id, nodes }: { id: string; nodes: { html: string; failureSummary: string }[] }) => [
      id,
      nodes.slice(0, 3).map(({ html, failureSummary }) => [html.slice(0, 160), failureSummary]),
    ]);
  });
}

/** Filters in the page's words, and in those of `query --format json`. */
const QUESTIONS = [
  ['type=auth.*', ['--type', 'auth.*']],
  ['actor=alice%40example.com', ['--actor', 'alice@example.com']],
  ['notType=auth.login', ['--not-type', 'auth.login']],
  ['severity=warning', ['--severity', 'warning']],
  ['tenant=globex&outcome=failure', ['--tenant', 'globex', '--outcome', 'failure']],
  ['where=details.amount+%3E+500', ['--where', 'details.amount > 500']],
  ['text=PASSWORD', ['--text', 'PASSWORD']],
  ['seq=100..140', ['--seq', '100..140']],
  ['correlation=run-7&type=action.*', ['--correlation', 'run-7', '--type', 'action.*']],
  ['actor=nobody-there', ['--actor', 'nobody-there']],
] as const;

async function queried({ server, log }: ServedConsoleLog, filters: readonly string[]): Promise<string[]> {
  const args = ['bin/sealtrail.ts', 'query', 'orders', ...filters, '--format', 'json', '--limit', '1000'];
  const env = {
    ...process.env,
    ...{
      SEALTRAIL_ENDPOINT: server.url,
      AWS_SHARED_CREDENTIALS_FILE: log.folder.credentialsFile,
      AWS_PROFILE: 'admin',
    },
  };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  // An object where there is more to say than the records.
  const printed = JSON.parse(stdout);
  const records: { trail: string; seq: number }[] = Array.isArray(printed) ? printed : printed.records;
  return records.map(({ trail, seq }) => `${trail}/${seq}`);
}

async function filters({ name, served, proxy, page }: Scene, expected: readonly (readonly string[])[]): Promise<void> {
  const { origin } = new URL(proxy.url);
  await page.setViewportSize({ width: 1280, height: 14_000 });
  for (const [at, [question]] of QUESTIONS.entries()) {
    await ask(page, origin, `trail=orders&from=&${question}`);
    expectThat(`${name}: ${question} shows what query --format json prints`, same(await rowsOf(page), expected[at]), [
      await rowsOf(page),
      expected[at],
    ]);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  void served;
}

async function trust({ name, served, proxy, keys, page }: Scene): Promise<void> {
  const { origin } = new URL(proxy.url);
  await ask(page, origin, 'trail=orders&from=24h');
  expectThat(
    `${name}: without a pinned key nothing is called checked`,
    (await page.$$('.line.is-checked')).length === 0,
  );
  await page.click('text=Pin the log’s key');
  await page.fill('#keys', keys);
  await page.click('.panel button.primary');
  await page.waitForSelector('.line.is-checked');
  const marks = await page.$$eval('.line', (lines) => lines.map(({ className }) => className.includes('is-checked')));
  expectThat(`${name}: with it every row is checked`, marks.length > 10 && marks.every(Boolean));
  await append(served.http, 'orders', [{ type: 'auth.logout', actor: { id: `${name}-later` } }]);
  await page.reload();
  await page.waitForSelector('text=only grew since');
  expectThat(`${name}: a checkpoint that extends the one seen before is said to`, true);
  await page.route('**/v1/trails/orders/events*', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replaceAll('auth.login', 'auth.lagin') });
  });
  await ask(page, origin, 'trail=orders&from=24h');
  await page.waitForSelector('.page.is-refused');
  const evidence = await handedOver(page, 'text=Download the evidence');
  expectThat(
    `${name}: an altered record turns the page red, with the evidence`,
    evidence.name === 'sealtrail-evidence.json' && evidence.text.includes('auth.lagin'),
  );
  await shot(page, `${name}-refused`);
  await page.unroute('**/v1/trails/orders/events*');
}

/** What a click hands to the reader as a file. Read in the page: Firefox tells the driver nothing of downloads. */
async function handedOver(page: Page, target: string): Promise<{ readonly name: string; readonly text: string }> {
  await page.evaluate(() => {
    const handed: { name?: string; content?: Blob } = {};
    const makeUrl = URL.createObjectURL;
    URL.createObjectURL = (content: Blob) => {
      handed.content = content;
      return makeUrl(content);
    };
    HTMLAnchorElement.prototype.click = function click() {
      handed.name = this.download;
    };
    Object.assign(window, { handed });
  });
  await page.click(target);
  return page.evaluate(async () => {
    const { name = '', content } = Reflect.get(window, 'handed') as { name?: string; content?: Blob }; // As put there above.
    return { name, text: (await content?.text()) ?? '' };
  });
}

async function looks({ name, proxy, page }: Scene): Promise<void> {
  const { origin } = new URL(proxy.url);
  const views = ['', '&view=summary', '&view=activity', '&view=runs', '&type=config.changed&open=orders/385'];
  const schemes = name === 'chromium' ? (['light', 'dark'] as const) : (['light'] as const);
  for (const colorScheme of schemes) {
    if (name === 'chromium') await page.emulateMedia({ colorScheme });
    for (const view of views) {
      await ask(page, origin, `trail=orders&from=24h${view}`);
      const found = await axe(page);
      expectThat(`${name}: ${colorScheme} ${view || 'records'}: axe finds nothing`, found.length === 0, found);
      await shot(page, `${name}-${colorScheme}${view.replace(/[^a-z]+/g, '-')}`);
    }
  }
  await page.setViewportSize({ width: 390, height: 780 });
  await ask(page, origin, 'trail=orders&from=24h');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expectThat(`${name}: a narrow screen does not scroll sideways`, wide <= 0, wide);
  const found = await axe(page);
  expectThat(`${name}: narrow: axe finds nothing`, found.length === 0, found);
  await shot(page, `${name}-narrow`);
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function keyboard({ name, proxy, page }: Scene): Promise<void> {
  const { origin } = new URL(proxy.url);
  await ask(page, origin, 'trail=orders&from=24h');
  for (let tabs = 0; tabs < 40 && !(await page.evaluate(() => document.activeElement?.id === 'search')); tabs++) {
    await page.keyboard.press('Tab');
  }
  const first = await page.evaluate(() => document.activeElement?.id);
  expectThat(`${name}: the search is reached by Tab`, first === 'search', first);
  await page.keyboard.type('type:config.changed');
  // Firefox's list of suggestions closes some time after the last letter, and takes an Enter if it is still open.
  await page.waitForFunction(
    () => document.querySelector<HTMLInputElement>('#search')?.value === 'type:config.changed',
  );
  for (let tries = 0; tries < 3 && !page.url().includes('type=config.changed'); tries++) {
    await page.keyboard.press('Enter');
    await page.waitForURL(/type=config\.changed/, { timeout: 3000 }).catch((error: Error) => {
      if (error.name !== 'TimeoutError') throw error;
    });
  }
  expectThat(`${name}: Enter asks`, page.url().includes('type=config.changed'), page.url());
  await page.waitForFunction(() => {
    const lines = [...document.querySelectorAll('.line')].map(({ textContent }) => textContent ?? '');
    return lines.length > 0 && lines.every((line) => line.includes('config.changed'));
  });
  for (let tabs = 0; tabs < 60 && !(await page.evaluate(() => document.activeElement?.className === 'rows')); tabs++) {
    await page.keyboard.press('Tab');
  }
  const focused = await page.evaluate(() => document.activeElement?.className);
  expectThat(`${name}: the list of records is reached by Tab`, focused === 'rows', focused);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.drawer .changes');
  const opened = await page.evaluate(() => location.hash);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('.drawer'));
  expectThat(`${name}: a search, a record and back by keys alone`, /open=orders%2F\d+/.test(opened), opened);
}

async function hostile({ name, proxy, page }: Scene): Promise<void> {
  const { origin } = new URL(proxy.url);
  for (const view of ['records', 'summary', 'activity', 'runs']) {
    await ask(page, origin, `trail=hostile&from=24h&view=${view}`);
    const made = await page.evaluate(() => [
      'hacked' in globalThis,
      document.querySelectorAll(
        '#console script, #console iframe, #console img:not([src="icon.svg"]), #console a[href^="javascript"]',
      ).length,
    ]);
    expectThat(`${name}: hostile events inject nothing in ${view}`, same(made, [false, 0]), made);
  }
  for (let seq = 0; seq < HOSTILE.length; seq++) {
    await ask(page, origin, `trail=hostile&from=24h&open=hostile/${seq}`);
    await page.waitForSelector('.drawer');
    expectThat(
      `${name}: nor does record ${seq} when it is opened`,
      !(await page.evaluate(() => 'hacked' in globalThis)),
    );
  }
}

async function evidence({ name, proxy, page }: Scene, made: Awaited<ReturnType<typeof exhibits>>): Promise<void> {
  const { origin } = new URL(proxy.url);
  await page.goto(`${origin}/console/#evidence`);
  await page.reload();
  await page.waitForSelector('.drop');
  await page.route('**/*', (route) => route.abort());
  const give = async (files: ReadonlyMap<string, Uint8Array>) => {
    const all = [...files, ['log.vkey', Buffer.from(made.keys)] as const];
    await page.evaluate(
      (given) => {
        const transfer = new DataTransfer();
        const input = document.querySelector<HTMLInputElement>('input[type=file]');
        for (const [path, text] of given) {
          const bytes = Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
          const file = new File([bytes], path.split('/').at(-1) ?? '');
          // As a folder that was chosen has it.
          if (path.includes('/')) Object.defineProperty(file, 'webkitRelativePath', { value: path });
          transfer.items.add(file);
        }
        Object.defineProperty(input, 'files', { value: transfer.files, configurable: true });
        input?.dispatchEvent(new Event('change', { bubbles: true }));
      },
      all.map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const),
    );
    // The page says that it is busy before the event's handlers have returned.
    await page.waitForFunction(() => document.querySelector('main')?.getAttribute('aria-busy') === 'false');
    return page.$$eval('.verdict strong', (strongs) => strongs.map(({ textContent }) => textContent));
  };
  for (const kind of ['archive', 'proof', 'growth', 'answer', 'receipts', 'export'] as const) {
    const said = await give(made[kind]);
    expectThat(`${name}: with the network off, ${kind} is checked`, same(said, ['✓ Checked']), said);
    if (kind === 'archive') {
      const found = await axe(page);
      expectThat(`${name}: evidence: axe finds nothing`, found.length === 0, found);
      await shot(page, `${name}-evidence`);
    }
    for (const [at, [file, bytes]] of [...made[kind]].entries()) {
      if (at % 7 !== 0 || bytes.length < 40) continue;
      const changed = Uint8Array.from(bytes);
      const place = Math.floor(bytes.length / 2);
      changed[place] = (changed[place] ?? 0) ^ 0x15;
      const verdict = await give(new Map([...made[kind], [file, changed]]));
      expectThat(
        `${name}: a byte of ${file} changed, and it is not green`,
        verdict.length > 0 && !verdict.every((one) => one === '✓ Checked'),
        verdict,
      );
    }
  }
  await page.unroute('**/*');
}

async function main(): Promise<void> {
  installBrowsers();
  if (SHOTS !== undefined) await mkdir(SHOTS, { recursive: true });
  await buildConsole(join(ROOT, 'dist/console'));
  const made = await exhibits();
  const served = await servedLog();
  try {
    await append(served.http, 'orders', ordinaryEvents());
    await append(served.http, 'hostile', HOSTILE);
    const keys = await served.keys();
    for (const name of BROWSERS.filter((one) => (process.argv[2] ?? one) === one)) {
      const proxy = await startConsoleProxy(served.http, 0);
      const browser = await launch(name);
      try {
        const { page, complaints } = await windowOf(browser);
        await page.goto(proxy.url);
        const scene: Scene = { name, served, proxy, keys, page };
        await filters(scene, await Promise.all(QUESTIONS.map(([, args]) => queried(served, args))));
        await trust(scene);
        await looks(scene);
        await keyboard(scene);
        await hostile(scene);
        await evidence(scene, made);
        const serious = complaints.filter((one) => !/ERR_FAILED|NetworkError|Failed to load/.test(one));
        expectThat(`${name}: the page complained of nothing`, serious.length === 0, serious);
      } finally {
        await browser.close();
        await proxy.close();
      }
    }
  } finally {
    await served.close();
  }
}

await main();
