/** The version of OCSF that exports are written in: https://schema.ocsf.io/1.9.0 */
export const OCSF_VERSION = '1.9.0';

/** A class of OCSF. */
export interface OcsfClass {
  readonly uid: number;
  readonly name: string;
  readonly categoryUid: number;
  readonly categoryName: string;
}

const IAM = { categoryUid: 3, categoryName: 'Identity & Access Management' };
const APPLICATION = { categoryUid: 6, categoryName: 'Application Activity' };
const FINDINGS = { categoryUid: 2, categoryName: 'Findings' };

/** The classes that events become, by the names that their schemas have. */
export const OCSF_CLASSES = {
  compliance_finding: { uid: 2003, name: 'Compliance Finding', ...FINDINGS },
  detection_finding: { uid: 2004, name: 'Detection Finding', ...FINDINGS },
  account_change: { uid: 3001, name: 'Account Change', ...IAM },
  authentication: { uid: 3002, name: 'Authentication', ...IAM },
  entity_management: { uid: 3004, name: 'Entity Management', ...IAM },
  user_access: { uid: 3005, name: 'User Access Management', ...IAM },
  application_lifecycle: { uid: 6002, name: 'Application Lifecycle', ...APPLICATION },
  api_activity: { uid: 6003, name: 'API Activity', ...APPLICATION },
  application_error: { uid: 6008, name: 'Application Error', ...APPLICATION },
} as const satisfies Readonly<Record<string, OcsfClass>>;
export type OcsfClassName = keyof typeof OCSF_CLASSES;

/** The OCSF class and activity of an event type. Activity 99 stands for what the class has no number for: its name is the type. */
export interface OcsfActivity {
  readonly className: OcsfClassName;
  readonly id: number;
  /** As the class names it; of 99, the type of the event. */
  readonly name: string;
}

type Row = readonly [type: string, className: OcsfClassName, id: number, name: string];

/** Types whose class or activity is not those of whatever is not listed: API Activity, 99. */
const ROWS: readonly Row[] = [
  ['auth.login', 'authentication', 1, 'Logon'],
  ['auth.login_failed', 'authentication', 1, 'Logon'],
  ['auth.logout', 'authentication', 2, 'Logoff'],
  ['auth.session_revoked', 'authentication', 2, 'Logoff'],
  ['auth.event', 'authentication', 99, ''],
  ['auth.mfa_verified', 'authentication', 99, ''],
  ['auth.session_created', 'authentication', 99, ''],
  ['auth.api_key_used', 'authentication', 99, ''],
  ['auth.password_change', 'account_change', 3, 'Password Change'],
  ['auth.password_reset', 'account_change', 4, 'Password Reset'],
  ['auth.mfa_enabled', 'account_change', 10, 'MFA Factor Enable'],
  ['auth.mfa_disabled', 'account_change', 11, 'MFA Factor Disable'],
  ['auth.api_key_rotated', 'account_change', 99, ''],
  ['user.added', 'account_change', 1, 'Create'],
  ['user.removed', 'account_change', 6, 'Delete'],
  ['authz.permission_granted', 'user_access', 1, 'Assign Privileges'],
  ['authz.role_assigned', 'user_access', 1, 'Assign Privileges'],
  ['authz.role_revoked', 'user_access', 2, 'Revoke Privileges'],
  ['data.create', 'api_activity', 1, 'Create'],
  ['data.import', 'api_activity', 1, 'Create'],
  ['data.read', 'api_activity', 2, 'Read'],
  ['data.export', 'api_activity', 2, 'Read'],
  ['data.update', 'api_activity', 3, 'Update'],
  ['data.delete', 'api_activity', 4, 'Delete'],
  ['video.downloaded', 'api_activity', 2, 'Read'],
  ['video.deleted', 'api_activity', 4, 'Delete'],
  ['prompt.submitted', 'api_activity', 1, 'Create'],
  ['generation.started', 'api_activity', 1, 'Create'],
  ['quota.checked', 'api_activity', 2, 'Read'],
  ['config.event', 'entity_management', 99, ''],
  ['config.changed', 'entity_management', 3, 'Update'],
  ['settings.updated', 'entity_management', 3, 'Update'],
  ['budget.modified', 'entity_management', 3, 'Update'],
  ['policy.updated', 'entity_management', 3, 'Update'],
  ['budget.warning', 'detection_finding', 1, 'Create'],
  ['budget.exceeded', 'detection_finding', 1, 'Create'],
  ['policy.violation', 'detection_finding', 1, 'Create'],
  ['security.alert', 'detection_finding', 1, 'Create'],
  ['security.threat_detected', 'detection_finding', 1, 'Create'],
  ['security.suspicious_activity', 'detection_finding', 1, 'Create'],
  ['security.ip_blocked', 'detection_finding', 1, 'Create'],
  ['security.rate_limited', 'detection_finding', 1, 'Create'],
  ['compliance.check', 'compliance_finding', 1, 'Create'],
  ['compliance.violation', 'compliance_finding', 1, 'Create'],
  ['agent.emergency_stop', 'application_lifecycle', 4, 'Stop'],
  ['system.startup', 'application_lifecycle', 3, 'Start'],
  ['system.shutdown', 'application_lifecycle', 4, 'Stop'],
  ['system.event', 'application_lifecycle', 99, ''],
  ['system.error', 'application_error', 1, 'General Error'],
];

const BY_TYPE: ReadonlyMap<string, OcsfActivity> = new Map(
  ROWS.map(([type, className, id, name]) => [type, { className, id, name: id === 99 ? type : name }]),
);

/**
 * The OCSF class and activity of an event type. Types that have no class of their own, those outside the catalogue among them, are
 * API Activity.
 *
 * @example
 * ocsfActivity('auth.login');   // { className: 'authentication', id: 1, name: 'Logon' }
 * ocsfActivity('invoice.paid'); // { className: 'api_activity', id: 99, name: 'invoice.paid' }
 */
export function ocsfActivity(type: string): OcsfActivity {
  return BY_TYPE.get(type) ?? { className: 'api_activity', id: 99, name: type };
}
