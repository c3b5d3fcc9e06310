import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, firefox } from 'playwright-core';

/** Debian's own browsers, installed where they are missing. Playwright 1.64 and later asks Firefox ESR for what it does not know. */

const CHROMIUM = '/usr/bin/chromium';
const FIREFOX = '/usr/bin/firefox-esr';

/** Installs what is missing. @throws without the rights to */
export function installBrowsers(): void {
  if ([CHROMIUM, FIREFOX].every((path) => existsSync(path))) return;
  if (process.getuid?.() !== 0) throw new Error('install the Debian packages chromium and firefox-esr first');
  const run = (...args: readonly string[]) => execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  run('update', '-qq');
  run('install', '-y', '-qq', '--no-install-recommends', 'chromium', 'firefox-esr', 'fonts-dejavu-core');
}

export const BROWSERS = ['chromium', 'firefox'] as const;
export type BrowserName = (typeof BROWSERS)[number];

export function launch(name: BrowserName): Promise<Browser> {
  if (name === 'chromium') return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  return firefox.launch({ executablePath: FIREFOX, channel: 'moz-firefox' });
}

/** A window of its own, which fails the run with what the page complains of. */
export async function windowOf(browser: Browser, options: Parameters<Browser['newContext']>[0] = {}) {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { context, page, complaints };
}
