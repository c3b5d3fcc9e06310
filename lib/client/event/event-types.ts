/**
 * What the client must know of the catalogue of types: which severity an event has that does not say its own, and which name
 * an alias stands for. A copy, since the catalogue belongs to the server; a test holds it to the original.
 */

/** How much an event matters, lowest first. */
export const SEVERITIES = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Types whose default severity is not info. */
const TYPES_BY_SEVERITY: Readonly<Partial<Record<Severity, string>>> = {
  debug: 'quota.checked',
  warning:
    'auth.login_failed auth.mfa_disabled authz.permission_denied authz.access_denied user.removed data.delete ' +
    'video.deleted config.changed budget.modified budget.warning policy.updated security.suspicious_activity ' +
    'security.ip_blocked security.rate_limited action.denied approval.denied approval.expired rollback.started',
  error:
    'generation.failed budget.exceeded policy.violation compliance.violation security.alert action.failed system.error',
  critical: 'security.threat_detected agent.emergency_stop rollback.failed',
};

/** By category, the types that go by their last part alone as well: `login` is `auth.login`. */
const SHORT: Readonly<Record<string, string>> = {
  auth:
    'login logout login_failed password_change password_reset mfa_enabled mfa_disabled mfa_verified session_created ' +
    'session_revoked api_key_used api_key_rotated',
  authz: 'permission_granted permission_denied access_denied role_assigned role_revoked',
  data: 'read create update delete export import',
  security: 'alert threat_detected suspicious_activity ip_blocked rate_limited',
  llm: 'request response',
  agent: 'emergency_stop',
  system: 'startup shutdown error',
};

/** Aliases of other kinds. */
const ALIASES: Readonly<Record<string, string>> = {
  authentication: 'auth.event',
  video_generation_started: 'generation.started',
  video_generation_completed: 'generation.completed',
  video_generation_failed: 'generation.failed',
  configuration: 'config.event',
  'settings.changed': 'settings.updated',
  settings_changed: 'settings.updated',
  'rate_limit.exceeded': 'security.rate_limited',
  rate_limit_exceeded: 'security.rate_limited',
  system: 'system.event',
  custom: 'custom.event',
};

/** The other types of the catalogue. */
const PLAIN_TYPES =
  'user.added prompt.submitted video.downloaded compliance.check action.requested action.validated action.executed ' +
  'approval.requested approval.granted rollback.completed';

const SEVERITY: ReadonlyMap<string, Severity> = new Map(
  SEVERITIES.flatMap((severity) => (TYPES_BY_SEVERITY[severity] ?? '').split(' ').map((type) => [type, severity])),
);

const SHORTER: ReadonlyMap<string, string> = new Map([
  ...Object.entries(ALIASES),
  ...Object.entries(SHORT).flatMap(([category, names]) =>
    names.split(' ').map((name): [string, string] => [name, `${category}.${name}`]),
  ),
]);
const KNOWN = [...SEVERITY.keys(), ...SHORTER.values(), ...PLAIN_TYPES.split(' ')];
const NAMES: ReadonlyMap<string, string> = new Map([
  ...KNOWN.flatMap((type): [string, string][] => [
    [type, type],
    [type.replaceAll('.', '_'), type],
  ]),
  ...SHORTER,
]);

const TYPE_NAME = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+$/;
const MAX_TYPE_LENGTH = 128;

/** The name under which a type is sealed, or undefined where the server would refuse it. */
export function typeName(type: string): string | undefined {
  if (type.length > MAX_TYPE_LENGTH) return undefined;
  return NAMES.get(type) ?? (TYPE_NAME.test(type) ? type : NAMES.get(type.toLowerCase()));
}

/** The severity of an event that does not say its own. */
export function severityOf(type: string): Severity {
  return SEVERITY.get(typeName(type) ?? type) ?? 'info';
}
