import { Token } from 'aws-cdk-lib';

/**
 * A log's name is part of key names, which hold neither white space nor `+` (C2SP signed-note), and of lines of text, which control
 * characters would spoil, and of origins, whose
 * parts `/` separates.
 *
 * @throws RangeError for a name that cannot be used
 */
export function checkLogName(name: string): void {
  // What is known at deployment only, such as the account, has no such characters.
  if (Token.isUnresolved(name) || /^[^\s+\p{C}]{1,128}$/u.test(name)) return;
  throw new RangeError(
    `logName ${JSON.stringify(name)}: use 1 to 128 characters without white space, control characters and +`,
  );
}
