/** Names of headers whose values let someone in. */
const SECRET = /auth|cookie|token|secret|key|password|credential|session|signature|jwt/i;

/** Headers for people to read, the values of secret ones left out. */
export function readableHeaders(headers: Iterable<[string, string]>): Record<string, string> {
  return Object.fromEntries([...headers].map(([name, value]) => [name, SECRET.test(name) ? '[redacted]' : value]));
}
