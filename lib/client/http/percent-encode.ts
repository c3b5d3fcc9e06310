/**
 * Percent-encodes text for one segment of a path or one part of a query. Throws URIError on a lone surrogate.
 *
 * @example
 * percentEncode('alice@example.com/é'); // 'alice%40example.com%2F%C3%A9'
 */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
