import { useEffect, useState } from 'preact/hooks';
import type { KeysReply } from '../../contract/replies.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject } from '../../log/json.ts';
import { fingerprintOf, parseTrustedKeys } from '../../verify/evidence/trust.ts';
import type { Api } from '../data/api.ts';
import type { Memory } from '../data/memory.ts';

interface Props {
  readonly api: Api;
  readonly memory: Memory;
  readonly trails: readonly string[];
  readonly onPinned: (keys: string) => void;
}

/** The keys that the reader trusts, kept for this address. */
export function KeysPanel({ api, memory, trails, onPinned }: Props) {
  const [text, setText] = useState(memory.keys);
  const [said, setSaid] = useState<string>();
  const [fromLog, setFromLog] = useState<{ readonly keys: string; readonly fingerprints: readonly string[] }>();
  const asked = trails.join();

  // `asked` is the trails.
  useEffect(() => {
    const query = ['_system', '_index', '_heads', ...trails].map((trail): [string, string] => ['trail', trail]);
    api.json('/v1/keys', query).then(
      (reply) => setFromLog(keyFileOf(reply)),
      () => setFromLog(undefined), // a log that does not tell its keys leaves the reader to paste them
    );
  }, [api, asked]);

  const pin = (keys: string) => {
    try {
      if (keys.trim() !== '') parseTrustedKeys(keys);
      memory.keys = keys.trim();
      setText(keys);
      setSaid(keys.trim() === '' ? 'No key is pinned.' : 'Pinned for this address.');
      onPinned(keys.trim());
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      setSaid(error.message);
    }
  };
  return (
    <section class="panel" aria-label="Pinned keys">
      <label for="keys">
        The public key of the log, as you were given it: a PEM, vkeys, or a list of keys with their sizes
      </label>
      <textarea
        id="keys"
        rows={5}
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="row">
        <button type="button" class="primary" onClick={() => pin(text)}>
          Pin
        </button>
        {memory.keys !== '' && (
          <button type="button" onClick={() => pin('')}>
            Unpin
          </button>
        )}
        {said && <span role="status">{said}</span>}
      </div>
      {fromLog && fromLog.fingerprints.length > 0 && (
        <details>
          <summary>Use the key that the log itself names</summary>
          <p>
            Only if its SHA-256 fingerprint is the one that you were given by another way: a forged log names its own
            key.
          </p>
          <ul class="mono">
            {fromLog.fingerprints.map((fingerprint) => (
              <li key={fingerprint}>{fingerprint}</li>
            ))}
          </ul>
          <button type="button" onClick={() => pin(fromLog.keys)}>
            I have compared it: pin this key
          </button>
        </details>
      )}
    </section>
  );
}

/** A key file of a list of keys: each for its trail, and a retired one up to its end. */
function keyFileOf(reply: unknown): { readonly keys: string; readonly fingerprints: readonly string[] } | undefined {
  if (!isObject(reply) || !Array.isArray(reply.keys)) return undefined;
  const { keys, retired = [] } = reply as unknown as KeysReply; // each line is parsed before it is trusted
  const lines = [...keys.map(({ vkey }) => vkey), ...retired.map(({ vkey, to }) => `${vkey} to=${to}`)];
  if (lines.length === 0) return undefined;
  const text = `${lines.join('\n')}\n`;
  return { keys: text, fingerprints: [...new Set(parseTrustedKeys(text).map(({ spki }) => fingerprintOf(spki)))] };
}
