/** Something that the log answered and that does not hold. The evidence is for the reader to keep. */
export class Refused extends Error {
  readonly evidence: Readonly<Record<string, unknown>>;

  constructor(message: string, evidence: Readonly<Record<string, unknown>>) {
    super(message);
    this.evidence = evidence;
  }
}
