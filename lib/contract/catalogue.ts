import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from './vocabulary.ts';

/** A type of event and its defaults. */
export interface EventType {
  /** Lower-case dotted `category.name`, as stored. */
  readonly name: string;
  /** The default severity. */
  readonly severity: Severity;
  /** The default outcome, if the type implies one. */
  readonly outcome?: Outcome;
  /** Other names that producers may use, in lower case. */
  readonly aliases: readonly string[];
}

/**
 * Name without its category, default severity, default outcome (or `-`), and aliases besides the full name with underscores
 * for dots; `~` is the name without its category. One string per type keeps the client's bundles small.
 */
type Row = `${string} ${Severity} ${Outcome | '-'}${'' | ` ${string}`}`;

const ROWS = {
  // Authentication.
  auth: [
    'event info - authentication',
    'login info success ~',
    'logout info success ~',
    'login_failed warning failure ~',
    'password_change info - ~',
    'password_reset info - ~',
    'mfa_enabled info success ~',
    'mfa_disabled warning success ~',
    'mfa_verified info success ~',
    'session_created info success ~',
    'session_revoked info success ~',
    'api_key_used info - ~',
    'api_key_rotated info success ~',
  ],
  // Permissions and memberships.
  authz: [
    'permission_granted info success ~',
    'permission_denied warning denied ~',
    'access_denied warning denied ~',
    'role_assigned info success ~',
    'role_revoked info success ~',
  ],
  user: ['added info success', 'removed warning success'],
  // Access to data.
  data: [
    'read info - ~',
    'create info - ~',
    'update info - ~',
    'delete warning - ~',
    'export info - ~',
    'import info - ~',
  ],
  // Generated media.
  prompt: ['submitted info -'],
  generation: [
    'started info - video_generation_started',
    'completed info success video_generation_completed',
    'failed error failure video_generation_failed',
  ],
  video: ['downloaded info success', 'deleted warning success'],
  // Settings, limits and rules.
  config: ['event info - configuration', 'changed warning success'],
  settings: ['updated info success settings_changed settings.changed'],
  quota: ['checked debug -'],
  budget: ['modified warning success', 'checked info -', 'warning warning -', 'exceeded error -'],
  policy: ['updated warning success', 'violation error -'],
  compliance: ['check info -', 'violation error failure'],
  // Attacks and abuse.
  security: [
    'alert error - ~',
    'threat_detected critical - ~',
    'suspicious_activity warning - ~',
    'ip_blocked warning blocked ~',
    'rate_limited warning blocked ~ rate_limit_exceeded rate_limit.exceeded',
    'verification_failed critical -',
  ],
  // Language models and agents.
  llm: ['request info - ~', 'response info - ~'],
  action: [
    'requested info - agent_action_requested agent.action_requested',
    'validated info success agent_action_validated agent.action_validated',
    'denied warning denied agent_action_denied agent.action_denied',
    'executed info success agent_action_executed agent.action_executed',
    'failed error failure agent_action_failed agent.action_failed',
  ],
  approval: ['requested info -', 'granted info success', 'denied warning denied', 'expired warning -'],
  agent: ['emergency_stop critical - ~'],
  mcp: ['initialized info -', 'closed info -', 'unreadable warning -'],
  rollback: ['started warning -', 'completed info success', 'failed critical failure'],
  // The system itself.
  system: [
    'event info - system',
    'startup info success ~',
    'shutdown info success ~',
    'error error error ~',
    'verification_completed info success',
    'export_completed info success',
    'trail_rebuilt critical success',
    'legal_hold_set warning success',
    'legal_hold_released warning success',
  ],
  // Requests, by the client's middleware and its fetch.
  http: [
    'request info -',
    'submitted info -',
    'succeeded info success',
    'rate_limited warning blocked',
    'failed warning -',
  ],
  // What the client could not log as it was.
  audit: ['events_dropped error -', 'invalid_event error -'],
  // What the log records about itself: who read it, what began, what is missing.
  access: [
    'query info -',
    'record info -',
    'proof info -',
    'summary info -',
    'activity info -',
    'export info -',
    'verification info -',
  ],
  trail: ['began info -', 'head info -'],
  witness: ['conflict critical -'],
  forward: ['set_aside error -'],
  producer: ['gap error -', 'gap_filled info -', 'fork critical -'],
  custom: ['event info - custom'],
} as const satisfies Readonly<Record<string, readonly Row[]>>;

type NameIn<Category extends string, R> = R extends `${infer Name} ${string}` ? `${Category}.${Name}` : never;
/** The name of a type of the catalogue. */
export type EventName = {
  [Category in keyof typeof ROWS]: NameIn<Category, (typeof ROWS)[Category][number]>;
}[keyof typeof ROWS];

/** Every type with a default severity and aliases. Other types are allowed too. */
export const CATALOGUE: readonly EventType[] = Object.entries<readonly Row[]>(ROWS).flatMap(([category, rows]) =>
  rows.map((row) => {
    const [rest = '', severityName, outcomeName, ...others] = row.split(' ');
    const name = `${category}.${rest}`;
    const severity = SEVERITIES.find((known) => known === severityName) ?? 'info';
    const outcome = OUTCOMES.find((known) => known === outcomeName);
    const aliases = [name.replaceAll('.', '_'), ...others.map((other) => (other === '~' ? rest : other))].sort();
    return { name, severity, ...(outcome === undefined ? {} : { outcome }), aliases };
  }),
);

const BY_NAME: ReadonlyMap<string, EventType> = new Map(
  CATALOGUE.flatMap((type) => [type.name, ...type.aliases].map((name) => [name, type])),
);

/** Maximum characters of a type's name. */
export const MAX_TYPE_LENGTH = 128;
/** A type's name: two or more words of `[a-z0-9_-]`, joined by dots, the first of which is the category. */
export const TYPE_NAME: RegExp = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+$/;

/**
 * The type of a name, or undefined for a name that no type can have. Case does not matter. Names and aliases of the catalogue
 * come first (`LOGIN_FAILED` is `auth.login_failed`). In any other name without a dot, the first underscore stands for it.
 * It gets severity `info`.
 *
 * @example
 * resolveType('api_key_used');   // { name: 'auth.api_key_used', severity: 'info', … }
 * resolveType('invoice.paid');   // { name: 'invoice.paid', severity: 'info', aliases: [] }
 * resolveType('USER_ACTION');    // { name: 'user.action', severity: 'info', aliases: [] }
 * resolveType('Invoice Paid');   // undefined
 */
export function resolveType(name: string): EventType | undefined {
  if (name.length > MAX_TYPE_LENGTH) return undefined;
  const lower = name.toLowerCase();
  const known = BY_NAME.get(lower);
  if (known !== undefined) return known;
  const dotted = lower.includes('.') ? lower : lower.replace('_', '.');
  if (!TYPE_NAME.test(dotted)) return undefined;
  return { name: dotted, severity: 'info', aliases: [] };
}
