/**
 * What the client must know of the catalogue of types: which severity an event has that does not say its own, and which name
 * an alias stands for. A copy, since the catalogue belongs to the server; a test holds it to the original.
 */

/** How much an event matters, lowest first. */
export const SEVERITIES = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Types whose default severity is not info. */
const TYPES_BY_SEVERITY: Partial<Record<Severity, readonly string[]>> = {
  warning: [
    'auth.login_failed',
    'auth.mfa_disabled',
    'authz.permission_denied',
    'authz.access_denied',
    'user.removed',
    'data.delete',
    'video.deleted',
    'config.changed',
    'budget.modified',
    'budget.warning',
    'policy.updated',
    'security.suspicious_activity',
    'security.ip_blocked',
    'security.rate_limited',
    'action.denied',
    'approval.denied',
    'approval.expired',
    'rollback.started',
  ],
  error: [
    'generation.failed',
    'budget.exceeded',
    'policy.violation',
    'compliance.violation',
    'security.alert',
    'action.failed',
    'system.error',
  ],
  debug: ['quota.checked'],
  critical: ['security.threat_detected', 'agent.emergency_stop', 'rollback.failed'],
};

/** Aliases besides the name with its dots as underscores. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  'auth.event': ['authentication'],
  'auth.login': ['login'],
  'auth.logout': ['logout'],
  'auth.login_failed': ['login_failed'],
  'auth.password_change': ['password_change'],
  'auth.password_reset': ['password_reset'],
  'auth.mfa_enabled': ['mfa_enabled'],
  'auth.mfa_disabled': ['mfa_disabled'],
  'auth.mfa_verified': ['mfa_verified'],
  'auth.session_created': ['session_created'],
  'auth.session_revoked': ['session_revoked'],
  'auth.api_key_used': ['api_key_used'],
  'auth.api_key_rotated': ['api_key_rotated'],
  'authz.permission_granted': ['permission_granted'],
  'authz.permission_denied': ['permission_denied'],
  'authz.access_denied': ['access_denied'],
  'authz.role_assigned': ['role_assigned'],
  'authz.role_revoked': ['role_revoked'],
  'data.read': ['read'],
  'data.create': ['create'],
  'data.update': ['update'],
  'data.delete': ['delete'],
  'data.export': ['export'],
  'data.import': ['import'],
  'generation.started': ['video_generation_started'],
  'generation.completed': ['video_generation_completed'],
  'generation.failed': ['video_generation_failed'],
  'config.event': ['configuration'],
  'settings.updated': ['settings.changed', 'settings_changed'],
  'security.alert': ['alert'],
  'security.threat_detected': ['threat_detected'],
  'security.suspicious_activity': ['suspicious_activity'],
  'security.ip_blocked': ['ip_blocked'],
  'security.rate_limited': ['rate_limit.exceeded', 'rate_limit_exceeded', 'rate_limited'],
  'llm.request': ['request'],
  'llm.response': ['response'],
  'agent.emergency_stop': ['emergency_stop'],
  'system.event': ['system'],
  'system.startup': ['startup'],
  'system.shutdown': ['shutdown'],
  'system.error': ['error'],
  'custom.event': ['custom'],
};

/** The other types of the catalogue. */
const PLAIN_TYPES: readonly string[] = [
  'user.added',
  'prompt.submitted',
  'video.downloaded',
  'compliance.check',
  'action.requested',
  'action.validated',
  'action.executed',
  'approval.requested',
  'approval.granted',
  'rollback.completed',
];

const SEVERITY: ReadonlyMap<string, Severity> = new Map(
  SEVERITIES.flatMap((severity) => (TYPES_BY_SEVERITY[severity] ?? []).map((type) => [type, severity] as const)),
);

const NAME: ReadonlyMap<string, string> = new Map(
  [...new Set([...SEVERITY.keys(), ...Object.keys(ALIASES), ...PLAIN_TYPES])].flatMap((type) =>
    [type, type.replaceAll('.', '_'), ...(ALIASES[type] ?? [])].map((name) => [name, type] as const),
  ),
);

const TYPE_NAME = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+$/;
const MAX_TYPE_LENGTH = 128;

/** The name under which a type is sealed, or undefined where the server would refuse it. */
export function typeName(type: string): string | undefined {
  if (type.length > MAX_TYPE_LENGTH) return undefined;
  return NAME.get(type) ?? NAME.get(type.toLowerCase()) ?? (TYPE_NAME.test(type) ? type : undefined);
}

/** The severity of an event that does not say its own. */
export function severityOf(type: string): Severity {
  return SEVERITY.get(typeName(type) ?? type) ?? 'info';
}
