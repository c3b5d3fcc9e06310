import type { SentEvent } from '../contract/event.ts';
import type { ActorType, Outcome, Severity } from '../contract/vocabulary.ts';
import { actorOf, type ImportSource, originalOf, sourceId, textAt, timeOf, typeWord, unwrapped } from './source.ts';

const SEVERITIES: Readonly<Record<string, Severity>> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warning',
  ERROR: 'error',
};
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  SUCCESS: 'success',
  ALLOW: 'success',
  FAILURE: 'failure',
  DENY: 'denied',
};
const ACTORS: Readonly<Record<string, ActorType>> = {
  User: 'user',
  SystemPrincipal: 'system',
  PublicClientApp: 'service',
  AppUser: 'user',
};

/** Entries of Okta's System Log (LogEvent): https://developer.okta.com/docs/reference/api/system-log/ */
export const okta: ImportSource = {
  holds: "Okta's System Log, as JSON from its API or a line each",
  records: (value) => unwrapped(value),
  event: (record) => {
    const [id, eventType] = [textAt(record, 'uuid'), textAt(record, 'eventType')];
    if (id === undefined || eventType === undefined) return undefined;
    const outcome = OUTCOMES[textAt(record, 'outcome', 'result') ?? ''];
    const severity = SEVERITIES[textAt(record, 'severity') ?? ''];
    const description = textAt(record, 'displayMessage');
    const context = {
      session: textAt(record, 'authenticationContext', 'externalSessionId'),
      correlation: textAt(record, 'authenticationContext', 'rootSessionId'),
      request: textAt(record, 'transaction', 'id'),
    };
    return {
      id: sourceId('okta', id),
      type: typeOf(eventType, outcome),
      ...timeOf(textAt(record, 'published')),
      action: eventType,
      ...(outcome === undefined ? {} : { outcome }),
      ...(severity === undefined ? {} : { severity }),
      ...(description === undefined ? {} : { description }),
      ...actor(record),
      ...resource(record),
      context: Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined)),
      details: originalOf('okta', record),
    };
  },
};

function typeOf(eventType: string, outcome: Outcome | undefined): string {
  if (eventType === 'user.session.start')
    return outcome === 'failure' || outcome === 'denied' ? 'auth.login_failed' : 'auth.login';
  if (eventType === 'user.session.end') return 'auth.logout';
  return `okta.${eventType.split('.').map(typeWord).join('.')}`;
}

function actor(record: Readonly<Record<string, unknown>>): Pick<SentEvent, 'actor'> {
  return actorOf(textAt(record, 'actor', 'alternateId') ?? textAt(record, 'actor', 'id'), {
    type: ACTORS[textAt(record, 'actor', 'type') ?? ''],
    name: textAt(record, 'actor', 'displayName'),
    ip: textAt(record, 'client', 'ipAddress'),
    userAgent: textAt(record, 'client', 'userAgent', 'rawUserAgent'),
  });
}

function resource(record: Readonly<Record<string, unknown>>): Pick<SentEvent, 'resource'> {
  const [id, type, name] = ['id', 'type', 'displayName'].map((member) => textAt(record, 'target', 0, member));
  if (id === undefined) return {};
  return { resource: { id, ...(type === undefined ? {} : { type }), ...(name === undefined ? {} : { name }) } };
}
