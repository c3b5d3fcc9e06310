import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildConsole, MAX_BYTES } from '../../build/console.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** The console is a few static files, small, and nothing in them leads elsewhere. */

describe('the built console', () => {
  it('is as small as it must be, and asks no one else for anything', async () => {
    const folder = join(await temporaryFolder(), 'console');
    expect(await buildConsole(folder)).toBeLessThanOrEqual(MAX_BYTES);
    const [page = '', script = '', style = ''] = await Promise.all(
      ['index.html', 'console.js', 'style.css'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    // Names of XML namespaces are no addresses to load from.
    const addresses = [...`${page}${script}${style}`.matchAll(/https?:\/\/[^\s"'`)]+/g)].map(([address]) => address);
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
    expect(style).not.toMatch(/@import|url\(/);
    const has = (what: RegExp) => what.exec(script)?.[0];
    expect(has(/\beval\(|new Function\(|document\.write|\bfrom\s*["'][a-z]/)).toBeUndefined();
  });

  it('makes no element of text', async () => {
    const view = join(import.meta.dirname, '../../lib/console/view');
    for (const name of await readdir(view)) {
      const source = await readFile(join(view, name), 'utf8');
      expect([
        name,
        /innerHTML|outerHTML|insertAdjacentHTML|\bhref=\{(?!view\.hash)|srcDoc/i.exec(source)?.[0],
      ]).toEqual([name, undefined]);
    }
  });

  it('has a page without script or style of its own, under a policy that allows none', async () => {
    const page = await readFile(join(import.meta.dirname, '../../lib/console/view/index.html'), 'utf8');
    expect(page).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\bon\w+=|javascript:/i);
    const policy = /Content-Security-Policy"\s+content="([^"]+)"/.exec(page)?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  });
});
