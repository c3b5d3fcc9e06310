/** Percent-encodes text for one segment of a path or one part of a query. Throws URIError on a lone surrogate. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
