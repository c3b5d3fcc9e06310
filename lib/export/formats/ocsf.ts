import { isIP } from 'node:net';
import { timeMillis } from '../../contract/time.ts';
import type { SealedRecord } from '../../log/record.ts';
import { aiAgentOf, aiOperationOf } from './ocsf-ai.ts';
import { OCSF_CLASSES, OCSF_VERSION, type OcsfClassName, ocsfActivity } from './ocsf-classes.ts';

/** Categories whose classes have the profile AI Operation: Identity & Access Management, Application Activity. */
const AI_CATEGORIES: ReadonlySet<number> = new Set([3, 6]);

/** A JSON object under construction; members that are undefined are left out when it is written. */
type Members = Record<string, unknown>;

const SEVERITIES: Readonly<Record<string, readonly [id: number, name: string]>> = {
  debug: [1, 'Informational'],
  info: [1, 'Informational'],
  warning: [3, 'Medium'],
  error: [4, 'High'],
  critical: [5, 'Critical'],
};
const USER_TYPES: Readonly<Record<string, readonly [id: number, name: string]>> = {
  user: [1, 'User'],
  admin: [2, 'Admin'],
  system: [3, 'System'],
  service: [4, 'Service'],
  agent: [99, 'Agent'],
};
/** Of the profile Security Control: what was done about it. */
const ACTIONS: Readonly<Record<string, readonly [id: number, name: string]>> = {
  allow: [1, 'Allowed'],
  deny: [2, 'Denied'],
  require_approval: [99, 'Approval Required'],
};

/** An OCSF event, as far as others must know it. */
export interface OcsfEvent {
  readonly type_uid: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

/**
 * A record as an OCSF event, with no attestation yet. What OCSF has no place for is in `unmapped`, so that nothing of the event
 * is lost; `metadata.log_provider`, `log_name` and `sequence` say which record it is.
 *
 * @param logName the log's name
 */
export function ocsfEvent(record: SealedRecord, logName: string): OcsfEvent {
  const event = new EventReader(record);
  const type = event.text('type') ?? 'unknown';
  const { className, id, name } = ocsfActivity(type);
  const { uid, name: classCaption, categoryUid, categoryName } = OCSF_CLASSES[className];
  const [severityId, severity] = SEVERITIES[event.text('severity') ?? ''] ?? [0, 'Unknown'];
  const typeUid = uid * 100 + id; // OCSF: class_uid * 100 + activity_id
  const ai = AI_CATEGORIES.has(categoryUid) ? aiOperationOf(event) : {};
  const common: Members = {
    activity_id: id,
    activity_name: name,
    category_uid: categoryUid,
    category_name: categoryName,
    class_uid: uid,
    class_name: classCaption,
    type_name: `${classCaption}: ${name}`,
    severity_id: severityId,
    severity,
    time: timeMillis(event.text('time') ?? '') ?? record.receivedAt,
    message: event.text('description'),
    status_detail: event.text('outcome'),
    unmapped: unmappedOf(record, event),
  };
  // A finding's status is that of its handling, about which a log knows nothing.
  const outcome = categoryUid === 2 ? {} : statusOf(event.text('outcome'));
  return {
    type_uid: typeUid,
    metadata: metadataOf(record, event, type, logName, Object.keys(ai).length > 0),
    ...common,
    ...ai,
    ...outcome,
    ...actionOf(event.text('decision')),
    ...BODIES[className](event, type),
  };
}

/** Reads texts out of an event whose shape was checked when it was sealed, perhaps by another version. */
class EventReader {
  readonly record: SealedRecord;

  constructor(record: SealedRecord) {
    this.record = record;
  }

  /** The text at a path, or undefined where there is none. */
  text(...path: readonly string[]): string | undefined {
    const value = this.json(...path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  json(...path: readonly string[]): unknown {
    let value: unknown = this.record.event;
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = Reflect.get(value, key);
    }
    return value;
  }
}

function metadataOf(record: SealedRecord, event: EventReader, type: string, logName: string, hasAi: boolean): Members {
  const decided = event.text('decision') === undefined ? [] : ['security_control'];
  return {
    version: OCSF_VERSION,
    product: { name: 'Sealtrail', vendor_name: 'Sealtrail' },
    uid: event.text('id'),
    event_code: type,
    log_name: record.trail,
    log_provider: logName,
    sequence: record.seq,
    logged_time: record.receivedAt,
    original_time: event.text('time'),
    correlation_uid: event.text('context', 'correlation'),
    tenant_uid: event.text('context', 'tenant'),
    profiles: ['record_integrity', ...decided, ...(hasAi ? ['ai_operation'] : [])],
  };
}

/** The members without a place of their own in OCSF, by their names in the record. */
function unmappedOf(record: SealedRecord, event: EventReader): Members {
  return {
    prev: record.prev,
    submitter: record.submitter,
    action: event.json('action'),
    context: event.json('context'),
    decision: event.json('decision'),
    changes: event.json('changes'),
    details: event.json('details'),
    redacted: event.json('redacted'),
    resource: event.json('resource'),
  };
}

function statusOf(outcome: string | undefined): Members {
  if (outcome === undefined) return { status_id: 0, status: 'Unknown' };
  return outcome === 'success' ? { status_id: 1, status: 'Success' } : { status_id: 2, status: 'Failure' };
}

function actionOf(decision: string | undefined): Members {
  const [id, name] = ACTIONS[decision ?? ''] ?? [];
  return id === undefined ? {} : { action_id: id, action: name };
}

/** The members of each class besides those that all have. */
const BODIES: Readonly<Record<OcsfClassName, (event: EventReader, type: string) => Members>> = {
  authentication: (event, type) => ({
    ...actorAndSource(event),
    user: userOf(event),
    service: { name: event.record.submitter },
    session: sessionOf(event),
    is_mfa: type === 'auth.mfa_verified' ? true : undefined,
  }),
  account_change: (event) => ({ ...actorAndSource(event), user: accountOf(event) }),
  user_access: (event, type) => ({
    ...actorAndSource(event),
    user: accountOf(event),
    privileges: [event.text('action') ?? event.text('resource', 'name') ?? event.text('resource', 'id') ?? type],
    resources: resourcesOf(event),
  }),
  entity_management: (event, type) => ({ ...actorAndSource(event), entity: entityOf(event, type) }),
  api_activity: (event, type) => ({
    ...actorAndSource(event),
    api: {
      operation: event.text('action') ?? type,
      service: { name: event.record.submitter },
      request: requestOf(event),
    },
    http_request: httpRequestOf(event),
    resources: resourcesOf(event),
  }),
  application_lifecycle: (event) => ({ app: appOf(event) }),
  application_error: () => ({}),
  detection_finding: (event, type) => ({
    finding_info: findingOf(event, type),
    evidences: [{ ...actorAndSource(event), ai_agent: aiAgentOf(event) }],
    resources: resourcesOf(event),
  }),
  compliance_finding: (event, type) => ({
    finding_info: findingOf(event, type),
    compliance: complianceOf(event, type),
    evidences: [{ ...actorAndSource(event), ai_agent: aiAgentOf(event) }],
    resources: resourcesOf(event),
  }),
};

/** Who acted, and from where. Where the event does not say, the service that sent it stands for both. */
function actorAndSource(event: EventReader): Members {
  const { submitter } = event.record;
  const user = event.text('actor', 'id') === undefined ? undefined : userOf(event);
  const actor = { user, session: sessionOf(event), app_name: submitter, app_uid: event.text('context', 'agent') };
  const ip = event.text('actor', 'ip');
  // A masked address is no address: it stands where a name may.
  const from = ip === undefined ? {} : isIP(ip) === 0 ? { name: ip } : { ip };
  return { actor, src_endpoint: { ...from, svc_name: submitter } };
}

function userOf(event: EventReader): Members {
  const [typeId, type] = USER_TYPES[event.text('actor', 'type') ?? ''] ?? [0, 'Unknown'];
  const name = event.text('actor', 'name');
  return { uid: event.text('actor', 'id') ?? event.record.submitter, name, type_id: typeId, type };
}

/** Whose account it is about: the resource's, or the actor's own. */
function accountOf(event: EventReader): Members {
  const uid = event.text('resource', 'id');
  const name = event.text('resource', 'name');
  return uid === undefined && name === undefined ? userOf(event) : { uid, name };
}

function sessionOf(event: EventReader): Members | undefined {
  const uid = event.text('context', 'session');
  return uid === undefined ? undefined : { uid };
}

function requestOf(event: EventReader): Members | undefined {
  const uid = event.text('context', 'request');
  return uid === undefined ? undefined : { uid };
}

function httpRequestOf(event: EventReader): Members | undefined {
  const agent = event.text('actor', 'userAgent');
  return agent === undefined ? undefined : { user_agent: agent, uid: event.text('context', 'request') };
}

function resourcesOf(event: EventReader): readonly Members[] | undefined {
  const [uid, name, type] = (['id', 'name', 'type'] as const).map((part) => event.text('resource', part));
  if (uid !== undefined || name !== undefined) return [{ uid, name, type }];
  return type === undefined ? undefined : [{ name: type, type }];
}

function entityOf(event: EventReader, type: string): Members {
  const [resource] = resourcesOf(event) ?? [];
  return resource ?? { name: event.text('context', 'project') ?? type };
}

function appOf(event: EventReader): Members {
  const name = event.text('resource', 'name') ?? event.text('context', 'agent') ?? event.record.submitter;
  return { name, uid: event.text('resource', 'id') };
}

function findingOf(event: EventReader, type: string): Members {
  const { receivedAt, trail, seq } = event.record;
  return {
    uid: event.text('id') ?? `${trail}/${seq}`,
    title: type,
    desc: event.text('description'),
    types: [type],
    created_time: receivedAt,
  };
}

/** OCSF: 1 Pass, 3 Fail. */
function complianceOf(event: EventReader, type: string): Members {
  const outcome = event.text('outcome');
  const failed = type === 'compliance.violation' || (outcome !== undefined && outcome !== 'success');
  const status = failed
    ? { status_id: 3, status: 'Fail' }
    : outcome === 'success'
      ? { status_id: 1, status: 'Pass' }
      : { status_id: 0, status: 'Unknown' };
  return { control: event.text('resource', 'name') ?? event.text('resource', 'id') ?? type, ...status };
}
