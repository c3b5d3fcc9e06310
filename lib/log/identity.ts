/** A session of an assumed role. The group is the role; the session's name, after the slash, may change with the credentials. */
const ROLE_SESSION = /^(arn:aws(?:-[a-z]+)*:sts::[0-9]{12}:assumed-role\/[A-Za-z0-9_+=,.@-]{1,64})\/./s;

/**
 * What identifies a submitter: its stable part (docs/spec.md, "Who a submitter is"). For a session of an assumed role
 * that is the role: the SDKs make up a new session name each time they refresh the credentials. Any other submitter is
 * identified by its whole text.
 *
 * The role is plain ASCII, so the rule works on a submitter as written in a record line, with JSON's escapes, as well.
 *
 * @example
 * identityOf('arn:aws:sts::123456789012:assumed-role/shop/aws-sdk-js-session-1796000000000');
 * // 'arn:aws:sts::123456789012:assumed-role/shop'
 */
export const identityOf = (submitter: string): string => ROLE_SESSION.exec(submitter)?.[1] ?? submitter;
