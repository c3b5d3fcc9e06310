import dns from 'node:dns';

/**
 * Names under `localhost` are the machine itself (RFC 6761 section 6.3), and emulators tell APIs and buckets apart by them.
 * curl and browsers know that; the resolver that Node asks may not.
 */
const lookup = dns.lookup.bind(dns) as (hostname: string, ...rest: unknown[]) => void; // of its many overloads any one

dns.lookup = ((hostname: string, ...rest: unknown[]) => {
  lookup(hostname.endsWith('.localhost') ? '127.0.0.1' : hostname, ...rest);
}) as typeof dns.lookup;
