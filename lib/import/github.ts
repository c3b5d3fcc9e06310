import type { SentEvent } from '../contract/event.ts';
import { actorOf, type ImportSource, originalOf, sourceId, textAt, timeOf, typeWord, unwrapped } from './source.ts';

/** Entries of GitHub's audit log, as its API, its export and its streams have them: https://docs.github.com/rest/orgs/orgs */
export const gitHub: ImportSource = {
  holds: "GitHub's audit log, as JSON from its API or export, or a line each from its streams",
  records: (value) => unwrapped(value),
  event: (record) => {
    const [id, action] = [textAt(record, '_document_id'), textAt(record, 'action')];
    if (id === undefined || action === undefined) return undefined;
    const context = {
      tenant: textAt(record, 'org') ?? textAt(record, 'business'),
      project: textAt(record, 'repo'),
      request: textAt(record, 'request_id'),
    };
    return {
      id: sourceId('github', id),
      type: `github.${action.split('.').map(typeWord).join('.')}`,
      ...timeOf(timeAt(record['@timestamp'] ?? record.created_at)),
      action,
      ...actorOf(textAt(record, 'actor'), {
        type: record.actor_is_bot === true ? 'service' : 'user',
        ip: textAt(record, 'actor_ip'),
        userAgent: textAt(record, 'user_agent'),
      }),
      ...resource(record),
      context: Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined)),
      details: originalOf('github', record),
    };
  },
};

/** Milliseconds since the Unix epoch, or a text. */
function timeAt(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : undefined;
}

/** The most exact of what the entry is about. */
function resource(record: Readonly<Record<string, unknown>>): Pick<SentEvent, 'resource'> {
  for (const [member, type] of [
    ['repo', 'repository'],
    ['team', 'team'],
    ['user', 'user'],
    ['org', 'organization'],
  ] as const) {
    const id = textAt(record, member);
    if (id !== undefined) return { resource: { type, id } };
  }
  return {};
}
