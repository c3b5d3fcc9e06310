import { X509Certificate } from 'node:crypto';
import { Certificate } from 'pkijs';
import { SealtrailError } from '../log/error.ts';

/** Certificates of authorities that are trusted to issue those of time-stamping services. */
export type Authorities = readonly Certificate[];

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Reads certificates in PEM, one or more.
 *
 * @throws `malformed_key`
 */
export function parseAuthorities(pem: string): Authorities {
  const blocks = pem.match(PEM) ?? [];
  if (blocks.length === 0) throw malformed('it holds no certificate in PEM');
  return blocks.map((block) => {
    try {
      // Node's parser is the stricter one.
      return Certificate.fromBER(new Uint8Array(new X509Certificate(block).raw));
    } catch (cause) {
      throw malformed('a certificate in it is not readable', cause);
    }
  });
}

const malformed = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_key', `the file of time-stamping authorities: ${message}`, { cause });
