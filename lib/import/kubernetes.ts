import type { SentEvent } from '../contract/event.ts';
import type { ActorType, Decision, Outcome } from '../contract/vocabulary.ts';
import {
  actorOf,
  type ImportSource,
  originalOf,
  sourceId,
  textAt,
  timeOf,
  typeWord,
  unwrapped,
  valueAt,
} from './source.ts';

const TYPES: Readonly<Record<string, string>> = {
  get: 'data.read',
  list: 'data.read',
  watch: 'data.read',
  create: 'data.create',
  update: 'data.update',
  patch: 'data.update',
  delete: 'data.delete',
  deletecollection: 'data.delete',
};
const DECISIONS: Readonly<Record<string, Decision>> = { allow: 'allow', forbid: 'deny' };

/** Audit events of Kubernetes: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
export const kubernetesAudit: ImportSource = {
  holds: 'audit logs of Kubernetes (audit.k8s.io/v1), one event a line or an EventList',
  records: (value) => unwrapped(value, 'items'),
  event: (record) => {
    const [id, stage, verb] = [textAt(record, 'auditID'), textAt(record, 'stage'), textAt(record, 'verb')];
    if (id === undefined || stage === undefined || verb === undefined) return undefined;
    const decision = DECISIONS[textAt(record, 'annotations', 'authorization.k8s.io/decision') ?? ''];
    const outcome = outcomeOf(valueAt(record, 'responseStatus', 'code'));
    const project = textAt(record, 'objectRef', 'namespace');
    return {
      id: sourceId('k8s', id, stage), // a request has an event for each of its stages
      type: TYPES[verb] ?? `kubernetes.${typeWord(verb)}`,
      ...timeOf(textAt(record, 'stageTimestamp') ?? textAt(record, 'requestReceivedTimestamp')),
      action: verb,
      ...(outcome === undefined ? {} : { outcome }),
      ...(decision === undefined ? {} : { decision }),
      ...actor(record),
      ...resource(record),
      context: { request: id, ...(project === undefined ? {} : { project }) },
      details: originalOf('k8s-audit', record),
    };
  },
};

function outcomeOf(code: unknown): Outcome | undefined {
  if (typeof code !== 'number') return undefined;
  if (code === 401 || code === 403) return 'denied';
  return code >= 500 ? 'error' : code >= 400 ? 'failure' : 'success';
}

function actor(record: Readonly<Record<string, unknown>>): Pick<SentEvent, 'actor'> {
  const id = textAt(record, 'user', 'username');
  return actorOf(id, {
    type: actorType(id ?? ''),
    ip: textAt(record, 'sourceIPs', 0),
    userAgent: textAt(record, 'userAgent'),
  });
}

function actorType(name: string): ActorType {
  if (name.startsWith('system:serviceaccount:')) return 'service';
  return name.startsWith('system:') ? 'system' : 'user';
}

function resource(record: Readonly<Record<string, unknown>>): Pick<SentEvent, 'resource'> {
  const [kind, part, namespace, name] = ['resource', 'subresource', 'namespace', 'name'].map((member) =>
    textAt(record, 'objectRef', member),
  );
  const uri = textAt(record, 'requestURI');
  if (kind === undefined) return uri === undefined ? {} : { resource: { type: 'uri', id: uri } };
  const id = [namespace, name].filter((one) => one !== undefined).join('/');
  const type = part === undefined ? kind : `${kind}/${part}`;
  return { resource: { type, ...(id === '' ? {} : { id }), ...(name === undefined ? {} : { name }) } };
}
