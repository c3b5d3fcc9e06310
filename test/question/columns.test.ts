import { describe, expect, it } from 'vitest';
import { ACTOR_TEXTS, CONTEXT_FIELDS, RESOURCE_TEXTS } from '../../lib/contract/event.ts';
import { auditEventSchema } from '../../lib/event/schema.ts';
import { COLUMNS } from '../../lib/question/columns.ts';

describe('the columns of CSV and Parquet', () => {
  const paths = COLUMNS.map(({ path }) => path.join('.'));
  const inside = (part: string, fields: readonly string[]) => fields.map((field) => `event.${part}.${field}`);

  it('hold every field of an event', () => {
    const nested = [
      ...inside('actor', ['type', ...Object.keys(ACTOR_TEXTS)]),
      ...inside('resource', Object.keys(RESOURCE_TEXTS)),
      ...inside('context', CONTEXT_FIELDS),
    ];
    // Numbering is for programs, which read NDJSON.
    const parts = ['actor', 'resource', 'context', 'producer'];
    const own = Object.keys(auditEventSchema.shape).filter((field) => !parts.includes(field));
    expect(paths).toEqual(expect.arrayContaining([...nested, ...own.map((field) => `event.${field}`)]));
  });

  it('are named once, and never moved: new ones come last', () => {
    expect(new Set(COLUMNS.map(({ name }) => name)).size).toBe(COLUMNS.length);
    expect(COLUMNS.slice(0, 3).map(({ name }) => name)).toEqual(['seq', 'receivedAt', 'submitter']);
  });
});
