import { hash } from 'node:crypto';
import { ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import {
  type Attribute,
  type Certificate,
  ExtKeyUsage,
  SignedData,
  SignedDataVerifyError,
  TimeStampResp,
  TSTInfo,
} from 'pkijs';
import { SealtrailError } from '../log/error.ts';
import type { Authorities } from './authorities.ts';

/** The contents of a time-stamp. */
export interface Timestamp {
  /** Unix milliseconds: the bytes existed by then. */
  readonly time: number;
  /** The subject of the certificate of the service, such as `CN=TSA 1, O=Example`. */
  readonly service: string;
}

/** The expected contents of a time-stamp. */
export interface TimestampExpectation {
  /** Who is trusted to have issued the service's certificate; undefined: only the signature itself is checked. */
  readonly authorities: Authorities | undefined;
  /** The nonce of the request, where the answer to one is checked. */
  readonly nonce?: Uint8Array;
}

/** PKI.js: the chain of certificates does not lead to one that is trusted. */
const UNTRUSTED = 5;
/** Longer ones are not read. */
const MAX_BYTES = 65_536;
/** RFC 3161 section 2.4.2 and RFC 5816. */
const ID_TST_INFO = '1.2.840.113549.1.9.16.1.4';
const ID_SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
const ID_SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
/** RFC 5280 sections 4.2.1.12. */
const ID_EXTENDED_KEY_USAGE = '2.5.29.37';
const ID_TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
/** Hashes by their object identifiers (RFC 5754 section 2). */
const HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/**
 * Checks the answer of a time-stamping service over some bytes: granted, for these bytes, signed by a certificate that is for
 * time-stamping alone and was valid then, issued by an authority that is trusted. Revocation is not looked up.
 *
 * @param response DER of a TimeStampResp, as `<size>.tsr` holds it
 * @throws `bad_timestamp` saying what does not hold; `bad_signature` if no authority that is trusted vouches for its certificate
 * @see RFC 3161 section 2.4.2; RFC 5652 section 5; RFC 5816
 */
export async function checkTimestamp(
  response: Uint8Array,
  subject: Uint8Array,
  { authorities, nonce }: TimestampExpectation,
): Promise<Timestamp> {
  if (response.length > MAX_BYTES) throw bad(`an answer has at most ${MAX_BYTES} bytes`);
  const signed = reading(() => signedDataIn(response));
  const info = reading(() => infoIn(signed));
  assertImprint(info, subject);
  if (nonce !== undefined) assertNonce(info, nonce);
  const certificate = await verified(signed, subject, authorities);
  assertPurpose(certificate);
  assertNamed(signed, certificate);
  const time = info.genTime.getTime();
  if (!Number.isFinite(time)) throw bad('its time is not readable');
  return { time, service: subjectOf(certificate) };
}

function signedDataIn(response: Uint8Array): SignedData {
  const { status, timeStampToken } = TimeStampResp.fromBER(Uint8Array.from(response));
  // granted, or granted with modifications (RFC 3161 section 2.4.2)
  if (status.status !== 0 && status.status !== 1) {
    throw bad(`the service refused, with the status ${Number(status.status)}`);
  }
  if (timeStampToken === undefined) throw bad('it has no token');
  return new SignedData({ schema: timeStampToken.content });
}

function infoIn({ encapContentInfo, signerInfos }: SignedData): TSTInfo {
  if (encapContentInfo.eContentType !== ID_TST_INFO || encapContentInfo.eContent === undefined) {
    throw bad('its token is no time-stamp');
  }
  if (signerInfos.length !== 1) throw bad('a token has exactly one signature');
  return TSTInfo.fromBER(encapContentInfo.eContent.getValue());
}

function assertImprint({ messageImprint }: TSTInfo, subject: Uint8Array): void {
  const name = HASHES[messageImprint.hashAlgorithm.algorithmId];
  if (name === undefined) throw bad('it is made with a hash other than SHA-256, SHA-384 and SHA-512');
  const stamped = Buffer.from(messageImprint.hashedMessage.getValue());
  if (!stamped.equals(hash(name, subject, 'buffer'))) throw bad('it is over other bytes');
}

function assertNonce({ nonce }: TSTInfo, wanted: Uint8Array): void {
  const number = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
  if (nonce === undefined || number(nonce.valueBlock.valueHexView) !== number(wanted)) {
    throw bad('it answers another request');
  }
}

/** Verifies signature and chain. @returns the certificate that signed */
async function verified(
  signed: SignedData,
  subject: Uint8Array,
  authorities: Authorities | undefined,
): Promise<Certificate> {
  if (signed.signerInfos[0]?.signedAttrs === undefined) throw bad('its signature has no attributes');
  try {
    const { signatureVerified, signerCertificate } = await signed.verify({
      signer: 0,
      data: Uint8Array.from(subject).buffer,
      extendedMode: true,
      ...(authorities && { checkChain: true, trustedCerts: [...authorities] }),
    });
    if (signatureVerified === true && signerCertificate) return signerCertificate;
  } catch (error) {
    if (!(error instanceof SignedDataVerifyError)) throw error;
    if (error.code === UNTRUSTED) throw untrusted(error);
    throw bad(error.message, error);
  }
  throw bad('its signature does not hold');
}

/** RFC 3161 section 2.3: the certificate is for time-stamping and nothing else, and says so critically. */
function assertPurpose({ extensions = [] }: Certificate): void {
  const usage = extensions.find(({ extnID }) => extnID === ID_EXTENDED_KEY_USAGE);
  const purposes = usage?.parsedValue instanceof ExtKeyUsage ? usage.parsedValue.keyPurposes : [];
  if (usage?.critical !== true || purposes.length !== 1 || purposes[0] !== ID_TIME_STAMPING) {
    throw bad('its certificate is not for time-stamping alone');
  }
}

/** The signed attributes name the certificate by its hash, so that no other one with its key can take its place. */
function assertNamed({ signerInfos }: SignedData, certificate: Certificate): void {
  const attributes = signerInfos[0]?.signedAttrs?.attributes ?? [];
  const der = Buffer.from(certificate.toSchema().toBER());
  const named = attributes.some((attribute) => {
    const { name, digest } = reading(() => firstCertificateIn(attribute)) ?? {};
    return name !== undefined && digest?.equals(hash(name, der, 'buffer')) === true;
  });
  if (!named) throw bad('its signature does not name its certificate');
}

/** The first hash of a SigningCertificate or SigningCertificateV2 (RFC 5035 sections 3 and 4). */
function firstCertificateIn({ type, values }: Attribute): { name: string; digest: Buffer } | undefined {
  if (type !== ID_SIGNING_CERTIFICATE && type !== ID_SIGNING_CERTIFICATE_V2) return undefined;
  const [first, second] = sequenceOf(sequenceOf(sequenceOf(values[0])[0])[0]);
  if (type === ID_SIGNING_CERTIFICATE || first instanceof OctetString) {
    const name = type === ID_SIGNING_CERTIFICATE ? 'sha1' : 'sha256'; // the default of version 2
    return first instanceof OctetString ? { name, digest: Buffer.from(first.getValue()) } : undefined;
  }
  const [algorithm] = sequenceOf(first);
  const name = algorithm instanceof ObjectIdentifier ? HASHES[algorithm.getValue()] : undefined;
  return name !== undefined && second instanceof OctetString
    ? { name, digest: Buffer.from(second.getValue()) }
    : undefined;
}

const sequenceOf = (value: unknown): Sequence['valueBlock']['value'] =>
  value instanceof Sequence ? value.valueBlock.value : [];

/** Names of the attributes that people know a service by (RFC 4519). */
const NAMES: Readonly<Record<string, string>> = { '2.5.4.3': 'CN', '2.5.4.10': 'O', '2.5.4.6': 'C' };

function subjectOf({ subject }: Certificate): string {
  const parts = subject.typesAndValues.flatMap(({ type, value }) => {
    const name = NAMES[type];
    return name === undefined ? [] : [`${name}=${String(value.valueBlock.value).slice(0, 100)}`];
  });
  // Shown to people: control characters would be commands to their terminals.
  return parts.length === 0 ? 'a service without a name' : parts.join(', ').replaceAll(/\p{Cc}/gu, '?');
}

/** Runs a parser over bytes from elsewhere, whose errors are of many kinds. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    throw bad('it is not readable', cause);
  }
}

const untrusted = (cause: unknown): SealtrailError => {
  const message =
    'the time-stamp: its certificate was not issued by an authority that is trusted, or was not valid then';
  return new SealtrailError('bad_signature', message, { cause });
};

const bad = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('bad_timestamp', `the time-stamp: ${message}`, { cause });
