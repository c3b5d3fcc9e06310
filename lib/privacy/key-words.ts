/**
 * Letters that look like Latin ones, from Unicode's confusables (UTS #39): Cyrillic and Greek, lower case. A key is data
 * of the caller, and `pаssword` with a Cyrillic `а` shows as `password` to everyone who reads it.
 */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{
      а: 'a',
      в: 'b',
      с: 'c',
      ԁ: 'd',
      е: 'e',
      ѐ: 'e',
      һ: 'h',
      н: 'h',
      і: 'i',
      ї: 'i',
      ј: 'j',
      к: 'k',
      ӏ: 'l',
      м: 'm',
    },
    ...{
      о: 'o',
      р: 'p',
      ԛ: 'q',
      г: 'r',
      ѕ: 's',
      т: 't',
      у: 'y',
      ѵ: 'v',
      ԝ: 'w',
      х: 'x',
      α: 'a',
      ϲ: 'c',
      ε: 'e',
      ι: 'i',
    },
    ...{ κ: 'k', ν: 'v', ο: 'o', ρ: 'p', τ: 't', υ: 'u', χ: 'x', ı: 'i', ո: 'n', օ: 'o', ѡ: 'w' },
  }),
);

const HUMPS = /(\p{Ll}|\p{N})(?=\p{Lu})|(\p{Lu})(?=\p{Lu}\p{Ll})|(\p{L})(?=\p{N})/gu;
const BETWEEN_WORDS = /[^\p{L}\p{N}]+/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ASCII = /^[\x00-\x7f]*$/;
/** At least so many single letters in a row are one word that was spread out: `p_a_s_s`. */
const MIN_SPREAD = 3;

/**
 * The words of a key, in lower case: `XApiKey`, `x-api-key` and `X_API_KEY` are all x, api and key. Split at humps, before
 * digits and at all that is neither letter nor digit, after NFKC (full-width letters become plain ones), without
 * characters that do not show, and with look-alikes replaced.
 */
export function wordsOf(key: string): string[] {
  const plain = ASCII.test(key) ? key : key.normalize('NFKC').replace(/\p{Cf}/gu, '');
  const lower = plain.replace(HUMPS, '$& ').toLowerCase();
  const latin = ASCII.test(lower) ? lower : Array.from(lower, (letter) => LOOK_ALIKES.get(letter) ?? letter).join('');
  return joined(latin.split(BETWEEN_WORDS).filter((word) => word !== ''));
}

/** Runs of single letters as one word. */
function joined(words: string[]): string[] {
  if (!words.some((word) => word.length === 1)) return words;
  const out: string[] = [];
  for (let at = 0; at < words.length; ) {
    let end = at;
    while (end < words.length && words[end]?.length === 1) end++;
    const run = words.slice(at, end);
    if (run.length >= MIN_SPREAD) out.push(run.join(''));
    else out.push(...run);
    const next = words[end];
    if (end < words.length && next !== undefined) out.push(next);
    at = end + 1;
  }
  return out;
}
