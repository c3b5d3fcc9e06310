import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import { canonicalHeader, canonicalPaths, canonicalQueries } from './sigv4-canonical.ts';
import { type Claim, claimOf, type Refusal, refuse, type SignedHead } from './sigv4-claim.ts';
import { deriveSigningKey, SigningKeys } from './sigv4-keys.ts';

/**
 * Verification of AWS Signature Version 4 in the Authorization header, as API Gateway does it for the service
 * `execute-api`. Specification: AWS IAM user guide, "Create a signed AWS API request".
 *
 * Left out on purpose: signatures in the query string (they end up in logs and histories), bodies that are not signed
 * (`UNSIGNED-PAYLOAD`, chunked signatures) and session tokens (the credentials here are long-lived). A request that is
 * sent again unchanged within five minutes passes again; that an append happens once is what idempotency keys are for.
 */

/** Whose signature it is, or why it is none. */
export type Verdict = { readonly ok: true; readonly accessKeyId: string } | Refusal;

/** The secret of an access key. */
export type SecretOf = (accessKeyId: string) => string | undefined;

export interface VerifierOptions {
  /** Unix milliseconds. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Service in the credential scope. @default execute-api */
  readonly service?: string;
  /** The only region that is accepted. @default any: an embedded log has none, and signers must be given one */
  readonly region?: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Signing keys that are kept: one per access key, day and region in use. */
const MAX_KEYS = 1024;
/** Stands in for the secret of an access key that does not exist, so that its requests take the same path. */
const NO_SECRET = 'no such access key';

/** Stands in for the hash of a body that is not waited for. */
const NO_BODY = '';

/** Checks signatures. One request costs three to five hashes, most of it that of its body. */
export class SignatureVerifier {
  readonly #secretOf: SecretOf;
  readonly #now: () => number;
  readonly #service: string;
  readonly #region: string | undefined;
  readonly #keys = new SigningKeys(MAX_KEYS);

  constructor(secretOf: SecretOf, { now = Date.now, service = 'execute-api', region }: VerifierOptions = {}) {
    this.#secretOf = secretOf;
    this.#now = now;
    this.#service = service;
    this.#region = region;
  }

  /** Checks all that can be checked before the body is there, so that none needs to be read from just anybody. */
  read(head: SignedHead): Claim | Refusal {
    const claim = claimOf(head, this.#now());
    if (!claim.ok) return claim;
    if (claim.service !== this.#service) return refuse(`signed for the service ${claim.service}`);
    if (this.#region !== undefined && claim.region !== this.#region) {
      return refuse(`signed for the region ${claim.region}`);
    }
    return claim;
  }

  /**
   * Checks the signature. `body` holds the bytes as sent, before any content encoding is undone.
   *
   * A refusal takes as long for an unknown key as for a wrong signature, and as long whether or not the key had been
   * used before: it always pays for the look-up, one derivation and every comparison.
   */
  check(claim: Claim, body: Uint8Array): Verdict {
    const match = this.checkBody(claim, body);
    return match.ok ? this.#checkSignature(claim, hash('sha256', body, 'hex')) : match;
  }

  /**
   * Checks the signature before the body is there, where the head has the body's hash: {@link checkBody} is then all that is left.
   * Where it has not, an unknown key is refused all the same.
   *
   * @returns undefined where only the body can tell
   */
  checkHead(claim: Claim): Verdict | undefined {
    if (claim.contentSha256 !== undefined) return this.#checkSignature(claim, claim.contentSha256);
    return this.#secretOf(claim.accessKeyId) === undefined ? this.#checkSignature(claim, NO_BODY) : undefined;
  }

  /** True if the body is the one whose hash the head has, if it has one. */
  checkBody(claim: Claim, body: Uint8Array): Verdict {
    const isAnother = claim.contentSha256 !== undefined && claim.contentSha256 !== hash('sha256', body, 'hex');
    return isAnother ? refuse('the body is not the one that was signed') : accept(claim);
  }

  #checkSignature(claim: Claim, bodyHash: string): Verdict {
    const secret = this.#secretOf(claim.accessKeyId);
    const kept = secret === undefined ? undefined : this.#keys.get(claim);
    if (kept !== undefined && secret !== undefined && signed(claim, bodyHash, kept)) return accept(claim);
    const derived = deriveSigningKey(secret ?? NO_SECRET, claim);
    if (kept !== undefined) return refuse('the signature does not match');
    const matches = signed(claim, bodyHash, derived);
    if (secret === undefined) return refuse('unknown access key');
    if (!matches) return refuse('the signature does not match');
    this.#keys.keep(claim, derived);
    return accept(claim);
  }

  /** Both steps, for who has the body already. */
  verify(request: SignedHead & { readonly body: Uint8Array }): Verdict {
    const claim = this.read(request);
    return claim.ok ? this.check(claim, request.body) : claim;
  }
}

const accept = ({ accessKeyId }: Claim): Verdict => ({ ok: true, accessKeyId });

/** True if the claim's signature is over this request and body in one of the readings that signers have. */
function signed(claim: Claim, bodyHash: string, key: KeyObject): boolean {
  let matches = false;
  for (const canonical of canonicalRequests(claim, bodyHash)) {
    const expected = createHmac('sha256', key).update(stringToSign(claim, canonical)).digest();
    matches = timingSafeEqual(expected, claim.signature) || matches;
  }
  return matches;
}

/** Step 2, "Create a string to sign". */
export function stringToSign({ timestamp, date, region, service }: Claim, canonicalRequest: string): string {
  const digest = hash('sha256', Buffer.from(canonicalRequest, 'latin1'), 'hex');
  return `${ALGORITHM}\n${timestamp}\n${date}/${region}/${service}/aws4_request\n${digest}`;
}

/** Step 1, "Create a canonical request", in every reading, one byte in each character. Mostly there is only one. */
export function* canonicalRequests(claim: Claim, bodyHash: string): Generator<string, void, void> {
  const { method, path, query, headers, signedHeaders } = claim;
  const lines = signedHeaders.map((name) => canonicalHeader(name, headers.get(name) ?? [])).join('');
  for (const canonicalPath of canonicalPaths(path)) {
    for (const canonicalQuery of canonicalQueries(query)) {
      yield `${method}\n${canonicalPath}\n${canonicalQuery}\n${lines}\n${signedHeaders.join(';')}\n${bodyHash}`;
    }
  }
}
