import { createHash } from 'node:crypto';
import { isObject } from '../../log/json.ts';

/** The export of `@octokit/webhooks-examples`: real payloads from GitHub, for each kind of webhook. */
export interface WebhookExamples {
  readonly name: string;
  readonly examples: readonly Payload[];
}

export type Payload = Readonly<Record<string, unknown>>;

/** An event and its trail. */
export interface MappedEvent {
  readonly trail: string;
  readonly event: Readonly<Record<string, unknown>>;
  /** True if the payload did not fit into an event, so that only its size and digest were kept. */
  readonly omitted: boolean;
}

/** Room for an event is 32,768 bytes of canonical JSON; what masking and defaults add must fit as well. */
const ROOM = 32_000;

/** The trails by kind of webhook. Kinds that are not listed are about code. */
const TRAILS = {
  access:
    'branch_protection_rule deploy_key github_app_authorization installation installation_repositories member ' +
    'membership meta organization org_block public repository team team_add',
  builds:
    'check_run check_suite deployment deployment_review deployment_status merge_group package page_build ' +
    'repository_dispatch status workflow_dispatch workflow_job workflow_run',
  planning:
    'discussion discussion_comment issue_comment issues label marketplace_purchase milestone project project_card ' +
    'project_column projects_v2_item sponsorship',
  security: 'code_scanning_alert dependabot_alert repository_vulnerability_alert security_advisory',
};
const TRAIL_OF_HOOK = new Map(
  Object.entries(TRAILS).flatMap(([trail, hooks]) => hooks.split(' ').map((hook) => [hook, trail] as const)),
);

/** The subject field of webhooks in which it is not named after the webhook. */
const SUBJECTS: Readonly<Record<string, string>> = {
  code_scanning_alert: 'alert',
  commit_comment: 'comment',
  dependabot_alert: 'alert',
  deploy_key: 'key',
  discussion_comment: 'comment',
  fork: 'forkee',
  issue_comment: 'comment',
  issues: 'issue',
  meta: 'hook',
  org_block: 'blocked_user',
  page_build: 'build',
  ping: 'hook',
  pull_request_review: 'review',
  pull_request_review_comment: 'comment',
  pull_request_review_thread: 'pull_request',
  push: 'head_commit',
  repository_vulnerability_alert: 'alert',
  team_add: 'team',
};

/** Resource types of subjects whose field name is too vague. */
const RESOURCE_TYPES: Readonly<Record<string, string>> = {
  blocked_user: 'user',
  build: 'page_build',
  forkee: 'repository',
  head_commit: 'commit',
  key: 'deploy_key',
};

const OUTCOMES: Readonly<Record<string, string>> = {
  success: 'success',
  failure: 'failure',
  timed_out: 'failure',
  startup_failure: 'error',
  error: 'error',
};

/**
 * Maps one webhook to an event: the type from the hook and its action, the actor from the sender, the resource from
 * the hook's subject, the project from the repository, and the whole payload in `details`. A payload that does not fit is
 * replaced by its size and SHA-256, so that the log can still vouch for a copy kept elsewhere.
 */
export function eventOf(hook: string, payload: Payload): MappedEvent {
  const field = SUBJECTS[hook] ?? hook;
  const subject = objectIn(payload, field);
  const repository = objectIn(payload, 'repository');
  const head = compact({
    type: typeOf(hook, payload),
    action: textIn(payload, 'action') ?? hook,
    time: timeOf(subject),
    outcome: OUTCOMES[textIn(subject, 'conclusion') ?? textIn(payload, 'state') ?? ''],
    severity: trailOf(hook) === 'security' ? 'warning' : undefined,
    actor: actorOf(objectIn(payload, 'sender')),
    resource: resourceOf(RESOURCE_TYPES[field] ?? field, subject, repository),
    context: contextOf(payload, repository),
    changes: changesOf(objectIn(payload, 'changes'), subject),
  });
  const whole = { ...head, details: payload };
  const omitted = Buffer.byteLength(JSON.stringify(whole)) > ROOM;
  return { trail: trailOf(hook), event: omitted ? { ...head, details: digestOf(payload) } : whole, omitted };
}

/** Maps all examples, in the order of the package. */
export function eventsOf(examples: readonly WebhookExamples[]): MappedEvent[] {
  return examples.flatMap(({ name, examples: payloads }) => payloads.map((payload) => eventOf(name, payload)));
}

function trailOf(hook: string): string {
  return TRAIL_OF_HOOK.get(hook) ?? 'code';
}

function typeOf(hook: string, payload: Payload): string {
  const parts = ['github', hook, ...(textIn(payload, 'action') === undefined ? [] : [String(payload.action)])];
  return parts.map((part) => part.toLowerCase().replace(/[^a-z0-9_]+/g, '_')).join('.');
}

function actorOf(sender: Payload | undefined): Payload {
  const login = textIn(sender, 'login');
  if (login === undefined) return { id: 'github', type: 'system' }; // security_advisory has no sender
  const bot = textIn(sender, 'type') === 'Bot';
  return { id: login, type: bot ? 'service' : 'user' };
}

function resourceOf(type: string, subject: Payload | undefined, repository: Payload | undefined): Payload | undefined {
  const repo = textIn(repository, 'full_name');
  const number = subject?.number;
  const id =
    typeof number === 'number' && repo !== undefined
      ? `${repo}#${number}`
      : (textIn(subject, 'full_name') ?? textIn(subject, 'login') ?? identifierIn(subject));
  if (id === undefined) return repo === undefined ? undefined : { type: 'repository', id: repo };
  const name = textIn(subject, 'title') ?? textIn(subject, 'name') ?? textIn(subject, 'summary');
  return compact({ type, id, name: name?.slice(0, 200) });
}

function contextOf(payload: Payload, repository: Payload | undefined): Payload | undefined {
  const tenant = textIn(objectIn(payload, 'organization'), 'login');
  const project = textIn(repository, 'full_name');
  return tenant === undefined && project === undefined ? undefined : compact({ tenant, project });
}

function identifierIn(subject: Payload | undefined): string | undefined {
  const id = subject?.id ?? subject?.ghsa_id ?? subject?.node_id;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** Maps GitHub's `{title: {from: "old"}}`; the new value is in the subject itself. */
function changesOf(changes: Payload | undefined, subject: Payload | undefined): Payload | undefined {
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  for (const [field, change] of Object.entries(changes ?? {})) {
    const from = typeof change === 'object' && change !== null && 'from' in change ? change.from : undefined;
    if (from === undefined || (typeof from === 'object' && from !== null)) continue;
    before[field] = from;
    const now = subject?.[field];
    if (now !== undefined && (typeof now !== 'object' || now === null)) after[field] = now;
  }
  return Object.keys(before).length === 0 ? undefined : { before, after };
}

function timeOf(subject: Payload | undefined): string | undefined {
  const time = textIn(subject, 'updated_at') ?? textIn(subject, 'created_at') ?? textIn(subject, 'timestamp');
  return time !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(time)
    ? time
    : undefined;
}

function digestOf(payload: Payload): Payload {
  const json = JSON.stringify(payload);
  const sha256 = createHash('sha256').update(json).digest('hex');
  return { payloadOmitted: { reason: 'larger than an event may be', bytes: Buffer.byteLength(json), sha256 } };
}

function objectIn(holder: Payload | undefined, field: string): Payload | undefined {
  const value = holder?.[field];
  return isObject(value) ? value : undefined;
}

function textIn(holder: Payload | undefined, field: string): string | undefined {
  const value = holder?.[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function compact(fields: Payload): Payload {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
