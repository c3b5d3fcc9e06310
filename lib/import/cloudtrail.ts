import type { SentEvent } from '../contract/event.ts';
import type { ActorType, Outcome } from '../contract/vocabulary.ts';
import { actorOf, type ImportSource, originalOf, sourceId, textAt, timeOf, typeWord, unwrapped } from './source.ts';

const ACTORS: Readonly<Record<string, ActorType>> = {
  Root: 'admin',
  IAMUser: 'user',
  IdentityCenterUser: 'user',
  SAMLUser: 'user',
  WebIdentityUser: 'user',
  AssumedRole: 'service',
  Role: 'service',
  AWSService: 'service',
  AWSAccount: 'service',
};

/** Records of AWS CloudTrail: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
export const cloudTrail: ImportSource = {
  holds: 'files of AWS CloudTrail, {"Records": [...]}, gzip or not',
  records: (value) => unwrapped(value, 'Records'),
  event: (record) => {
    const [id, name, service] = [textAt(record, 'eventID'), textAt(record, 'eventName'), textAt(record, 'eventSource')];
    if (id === undefined || name === undefined || service === undefined) return undefined;
    const outcome = outcomeOf(record, name);
    const tenant = textAt(record, 'recipientAccountId');
    const request = textAt(record, 'requestID');
    const correlation = textAt(record, 'sharedEventID');
    return {
      id: sourceId('aws', id),
      type: typeOf(name, service, outcome),
      ...timeOf(textAt(record, 'eventTime')),
      action: name,
      outcome,
      ...(outcome === 'success' ? {} : { severity: 'warning' }),
      ...actor(record),
      resource: resourceOf(record, service),
      context: {
        ...(tenant === undefined ? {} : { tenant }),
        ...(request === undefined ? {} : { request }),
        ...(correlation === undefined ? {} : { correlation }),
      },
      details: originalOf('cloudtrail', record),
    };
  },
};

function typeOf(name: string, service: string, outcome: Outcome): string {
  if (name === 'ConsoleLogin') return outcome === 'success' ? 'auth.login' : 'auth.login_failed';
  return `aws.${typeWord(service.replace(/\.amazonaws\.com$/, ''))}.${typeWord(name)}`;
}

function outcomeOf(record: Readonly<Record<string, unknown>>, name: string): Outcome {
  const error = textAt(record, 'errorCode');
  if (error !== undefined) return /AccessDenied|Unauthorized|Forbidden/i.test(error) ? 'denied' : 'failure';
  return name === 'ConsoleLogin' && textAt(record, 'responseElements', 'ConsoleLogin') === 'Failure'
    ? 'failure'
    : 'success';
}

function actor(record: Readonly<Record<string, unknown>>): Pick<SentEvent, 'actor'> {
  const who = (member: string): string | undefined => textAt(record, 'userIdentity', member);
  const id = who('arn') ?? who('principalId') ?? who('invokedBy') ?? who('accountId');
  return actorOf(id, {
    type: ACTORS[who('type') ?? ''],
    name: who('userName'),
    ip: textAt(record, 'sourceIPAddress'),
    userAgent: textAt(record, 'userAgent'),
  });
}

function resourceOf(record: Readonly<Record<string, unknown>>, service: string): NonNullable<SentEvent['resource']> {
  const arn = textAt(record, 'resources', 0, 'ARN');
  return { type: textAt(record, 'resources', 0, 'type') ?? service, ...(arn === undefined ? {} : { id: arn }) };
}
