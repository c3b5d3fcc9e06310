import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { VERIFICATION_KINDS } from '../../../lib/contract/verification.ts';
import { VerificationFindings } from '../../../lib/verify/ledger/ledger-report.ts';

it('every kind of problem is explained, in the order of the list, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/ledger-verification.md'), 'utf8');
  const table = page.slice(page.indexOf('## Kinds'), page.indexOf('## Rotating'));
  expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind)).toEqual(VERIFICATION_KINDS);
});

it('a message of any length takes a bounded place', () => {
  const findings = new VerificationFindings();
  findings.add({ kind: 'unreadable', message: 'x'.repeat(1_000_000) });
  expect(findings.problems[0]?.message).toBe('x'.repeat(300));
});
