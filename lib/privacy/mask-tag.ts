import { createHmac } from 'node:crypto';
import type { MaskTag } from './mask.ts';
import type { PrivacyPolicy } from './policy.ts';

/** RFC 4648 section 6, in lower case: it stands in URLs, e-mail addresses and file names as it is. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** 60 bits: among a million people who are masked alike, two share a tag with a probability of 1 in 2 million. */
const TAG_LENGTH = 12;
/** Parts the tag from the masked value. */
const SIGN = '~';
/** Tags that are remembered: a log has far fewer actors at a time than events. */
const MAX_REMEMBERED = 4096;

/**
 * Tags for masked addresses: HMAC-SHA-256 under the log's secret, truncated. Without the secret a tag tells nothing of the
 * address, and with the address at hand only those who may ask the log can find it.
 *
 * @example
 * maskValue('alice@example.com', maskTags(secret)); // a***~k3f9xq2m7abc@example.com
 */
export function maskTags(secret: Uint8Array): MaskTag {
  if (secret.length < 32) throw new RangeError(`a secret for masking has at least 32 bytes, not ${secret.length}`);
  const remembered = new Map<string, string>();
  return (address) => {
    const known = remembered.get(address);
    if (known !== undefined) return known;
    const digest = createHmac('sha256', secret).update('sealtrail mask tag\0').update(address).digest();
    const tag = SIGN + Array.from({ length: TAG_LENGTH }, (_, i) => ALPHABET[(digest[i] ?? 0) & 31]).join('');
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(address, tag);
    return tag;
  };
}

/** Policies with tags by those without, so that what is made from one is made once. */
const TAGGED = new WeakMap<PrivacyPolicy, PrivacyPolicy>();

/** A policy whose masks carry tags. The same object for the same policy and tags. */
export function withTags(policy: PrivacyPolicy, maskTag: MaskTag): PrivacyPolicy {
  const known = TAGGED.get(policy);
  if (known?.maskTag === maskTag) return known;
  const tagged = { ...policy, maskTag };
  TAGGED.set(policy, tagged);
  return tagged;
}
