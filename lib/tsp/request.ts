import { hash, randomBytes } from 'node:crypto';
import { Integer, OctetString } from 'asn1js';
import { AlgorithmIdentifier, MessageImprint, TimeStampReq } from 'pkijs';

/** SHA-256 (RFC 5754 section 2.2). */
const ID_SHA256 = '2.16.840.1.101.3.4.2.1';

/**
 * A request for a time-stamp over some bytes, in DER.
 *
 * @param nonce a {@link newNonce}, which the answer must repeat
 * @see RFC 3161 section 2.4.1
 */
export function timestampRequest(subject: Uint8Array, nonce: Uint8Array): Uint8Array {
  const imprint = new MessageImprint({
    hashAlgorithm: new AlgorithmIdentifier({ algorithmId: ID_SHA256 }),
    hashedMessage: new OctetString({ valueHex: hash('sha256', subject, 'buffer') }),
  });
  const request = new TimeStampReq({
    version: 1,
    messageImprint: imprint,
    nonce: new Integer({ valueHex: nonce }),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

/** A nonce of 62 random bits. Its first bits are 01, so that as a number in DER it is positive and has no byte too many. */
export function newNonce(): Uint8Array {
  const bytes = randomBytes(8);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes;
}
