import { Token } from 'aws-cdk-lib';

/**
 * Checks a log's name. It is part of key names, which contain neither white space nor `+` (C2SP signed-note), of lines of
 * text, which control characters would corrupt, and of origins, whose parts are separated by `/`.
 *
 * @throws RangeError for an invalid name
 */
export function checkLogName(name: string): void {
  // Values known only at deployment, such as the account, have no such characters.
  if (Token.isUnresolved(name) || /^[^\s+\p{C}]{1,128}$/u.test(name)) return;
  throw new RangeError(
    `logName ${JSON.stringify(name)}: use 1 to 128 characters without white space, control characters and +`,
  );
}
