import { witnessedText } from '../../log/policy.ts';
import type { WitnessedProof } from '../../verify/files/proof-file.ts';
import { plural } from './terminal.ts';

/** Where `sealtrail witnessed` puts the cosigned head that covers a file's checkpoint. */
export const witnessedFileOf = (file: string): string => `${file}.witnessed.json`;

/** Who cosigned, for people; empty if no witness was asked. */
export function witnessedSentence(witnessed: WitnessedProof | undefined): string {
  if (witnessed === undefined) return '';
  const { size, by } = witnessed;
  const who = by.length === 0 ? 'no witness, which the policy allows' : witnessedText(by);
  return ` A head of ${plural(size, 'record')} that covers it was cosigned by ${who}.`;
}
