/** How much an event matters, lowest first. */
export const SEVERITIES = ['debug', 'info', 'warning', 'error', 'critical'] as const;
/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number];

/** How what was attempted ended. */
export const OUTCOMES = ['success', 'failure', 'denied', 'blocked', 'error'] as const;
/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** What is known about a type of event. */
export interface EventType {
  /** Lower-case dotted `category.name`, as stored. */
  readonly name: string;
  /** The part of the name before the first dot. */
  readonly category: string;
  /** The severity of an event that does not say its own. */
  readonly severity: Severity;
  /** The outcome of an event that does not say its own, where the type leaves no doubt about it. */
  readonly outcome?: Outcome;
  /** Other names under which producers may send it, in lower case. */
  readonly aliases: readonly string[];
}

/** Name, default severity, default outcome (or none), aliases besides the name with its dots as underscores. */
type Row = readonly [name: string, severity: Severity, outcome: Outcome | undefined, ...aliases: string[]];

const ROWS: readonly Row[] = [
  // Who somebody is.
  ['auth.event', 'info', undefined, 'authentication'],
  ['auth.login', 'info', 'success', 'login'],
  ['auth.logout', 'info', 'success', 'logout'],
  ['auth.login_failed', 'warning', 'failure', 'login_failed'],
  ['auth.password_change', 'info', undefined, 'password_change'],
  ['auth.password_reset', 'info', undefined, 'password_reset'],
  ['auth.mfa_enabled', 'info', 'success', 'mfa_enabled'],
  ['auth.mfa_disabled', 'warning', 'success', 'mfa_disabled'],
  ['auth.mfa_verified', 'info', 'success', 'mfa_verified'],
  ['auth.session_created', 'info', 'success', 'session_created'],
  ['auth.session_revoked', 'info', 'success', 'session_revoked'],
  ['auth.api_key_used', 'info', undefined, 'api_key_used'],
  ['auth.api_key_rotated', 'info', 'success', 'api_key_rotated'],
  // What somebody may do.
  ['authz.permission_granted', 'info', 'success', 'permission_granted'],
  ['authz.permission_denied', 'warning', 'denied', 'permission_denied'],
  ['authz.access_denied', 'warning', 'denied', 'access_denied'],
  ['authz.role_assigned', 'info', 'success', 'role_assigned'],
  ['authz.role_revoked', 'info', 'success', 'role_revoked'],
  ['user.added', 'info', 'success'],
  ['user.removed', 'warning', 'success'],
  // What happens to data.
  ['data.read', 'info', undefined, 'read'],
  ['data.create', 'info', undefined, 'create'],
  ['data.update', 'info', undefined, 'update'],
  ['data.delete', 'warning', undefined, 'delete'],
  ['data.export', 'info', undefined, 'export'],
  ['data.import', 'info', undefined, 'import'],
  // Generated media.
  ['prompt.submitted', 'info', undefined],
  ['generation.started', 'info', undefined, 'video_generation_started'],
  ['generation.completed', 'info', 'success', 'video_generation_completed'],
  ['generation.failed', 'error', 'failure', 'video_generation_failed'],
  ['video.downloaded', 'info', 'success'],
  ['video.deleted', 'warning', 'success'],
  // Settings, limits and rules.
  ['config.event', 'info', undefined, 'configuration'],
  ['config.changed', 'warning', 'success'],
  ['settings.updated', 'info', 'success', 'settings_changed', 'settings.changed'],
  ['quota.checked', 'debug', undefined],
  ['budget.modified', 'warning', 'success'],
  ['budget.warning', 'warning', undefined],
  ['budget.exceeded', 'error', undefined],
  ['policy.updated', 'warning', 'success'],
  ['policy.violation', 'error', undefined],
  ['compliance.check', 'info', undefined],
  ['compliance.violation', 'error', 'failure'],
  // Attacks and abuse.
  ['security.alert', 'error', undefined, 'alert'],
  ['security.threat_detected', 'critical', undefined, 'threat_detected'],
  ['security.suspicious_activity', 'warning', undefined, 'suspicious_activity'],
  ['security.ip_blocked', 'warning', 'blocked', 'ip_blocked'],
  ['security.rate_limited', 'warning', 'blocked', 'rate_limited', 'rate_limit_exceeded', 'rate_limit.exceeded'],
  // Language models and agents.
  ['llm.request', 'info', undefined, 'request'],
  ['llm.response', 'info', undefined, 'response'],
  ['action.requested', 'info', undefined],
  ['action.validated', 'info', 'success'],
  ['action.denied', 'warning', 'denied'],
  ['action.executed', 'info', 'success'],
  ['action.failed', 'error', 'failure'],
  ['approval.requested', 'info', undefined],
  ['approval.granted', 'info', 'success'],
  ['approval.denied', 'warning', 'denied'],
  ['approval.expired', 'warning', undefined],
  ['agent.emergency_stop', 'critical', undefined, 'emergency_stop'],
  ['rollback.started', 'warning', undefined],
  ['rollback.completed', 'info', 'success'],
  ['rollback.failed', 'critical', 'failure'],
  // The system itself.
  ['system.event', 'info', undefined, 'system'],
  ['system.startup', 'info', 'success', 'startup'],
  ['system.shutdown', 'info', 'success', 'shutdown'],
  ['system.error', 'error', 'error', 'error'],
  ['custom.event', 'info', undefined, 'custom'],
];

/** Every type that has a default severity and aliases. Types that are not listed are allowed too. */
export const CATALOGUE: readonly EventType[] = ROWS.map(([name, severity, outcome, ...aliases]) => ({
  name,
  category: categoryOf(name),
  severity,
  ...(outcome === undefined ? {} : { outcome }),
  aliases: [...new Set([name.replaceAll('.', '_'), ...aliases])].sort(),
}));

const BY_NAME: ReadonlyMap<string, EventType> = new Map(
  CATALOGUE.flatMap((type) => [type.name, ...type.aliases].map((name) => [name, type])),
);

/** At most this many characters in the name of a type. */
export const MAX_TYPE_LENGTH = 128;
/** A type's name: two or more words of `[a-z0-9_-]`, joined by dots, the first of which is the category. */
export const TYPE_NAME: RegExp = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+$/;

function categoryOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/**
 * The type that a name stands for, or undefined where it can be none. Names and aliases of the catalogue are known in
 * any case (`LOGIN_FAILED` is `auth.login_failed`); any other name must be lower-case and dotted, and gets severity
 * `info`.
 *
 * @example
 * resolveType('api_key_used');   // { name: 'auth.api_key_used', category: 'auth', severity: 'info', … }
 * resolveType('invoice.paid');   // { name: 'invoice.paid', category: 'invoice', severity: 'info', aliases: [] }
 * resolveType('Invoice Paid');   // undefined
 */
export function resolveType(name: string): EventType | undefined {
  if (name.length > MAX_TYPE_LENGTH) return undefined;
  const known = BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());
  if (known !== undefined) return known;
  if (!TYPE_NAME.test(name)) return undefined;
  return { name, category: categoryOf(name), severity: 'info', aliases: [] };
}
