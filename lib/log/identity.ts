/** A session of an assumed role. The group is the role; the session's name, after the slash, may change with the credentials. */
const ROLE_SESSION = /^(arn:aws(?:-[a-z]+)*:sts::[0-9]{12}:assumed-role\/[A-Za-z0-9_+=,.@-]{1,64})\/./s;

/**
 * The stable part of a submitter, which identifies it (docs/spec.md, "Who a submitter is"). For a session of an assumed
 * role that is the role, since SDKs invent a new session name each time they refresh credentials. For any other
 * submitter it is the whole text.
 *
 * The role is plain ASCII, so this also works on a submitter with JSON escapes, as written in a record line.
 *
 * @example
 * identityOf('arn:aws:sts::123456789012:assumed-role/shop/aws-sdk-js-session-1796000000000');
 * // 'arn:aws:sts::123456789012:assumed-role/shop'
 */
export const identityOf = (submitter: string): string => ROLE_SESSION.exec(submitter)?.[1] ?? submitter;
