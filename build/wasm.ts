import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** `npm run build:wasm`: compiles wasm/records.ts and keeps the module as text, since neither tsc nor bundlers carry `.wasm` files along. */

const ROOT = resolve(import.meta.dirname, '..');
export const MODULE = join(ROOT, 'lib/verify/native/module.ts');

const OPTIONS = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--importMemory', '--initialMemory', '32'],
  ...['--memoryBase', '32768'], // constants stand behind what the code works in
];

/** @returns the text of lib/verify/native/module.ts */
export function compiled(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-wasm-'));
  try {
    const file = join(folder, 'records.wasm');
    const compiler = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
    const args = [compiler, 'wasm/records.ts', ...OPTIONS, '--outFile', file];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    const lines = readFileSync(file, 'base64').match(/.{1,112}/g) ?? [];
    return [
      '/** wasm/records.ts, compiled by `npm run build:wasm`: a WebAssembly module in base64. */',
      'export const MODULE = [',
      ...lines.map((line) => `  '${line}',`),
      "].join('');",
      '',
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) writeFileSync(MODULE, compiled());
