import * as z from 'zod';
import { cloudFormationClient, stackStatus } from '../../lib/store/cloudformation/stack-status.ts';
import { customResource } from './custom-resource.ts';

/** The irrevocable settings of a deployed log. CloudFormation passes all of them as text. */
const settings = z
  .object({
    LogName: z.string(),
    Stage: z.enum(['dev', 'prod']),
    SigningAlgorithm: z.enum(['ed25519', 'ecdsa-p256']),
    KeysMade: z.coerce.number().int().positive(),
    KeysRetired: z.coerce.number().int().nonnegative(),
  })
  .transform(({ LogName, Stage, SigningAlgorithm, KeysMade, KeysRetired }) => ({
    ...{ logName: LogName, stage: Stage, algorithm: SigningAlgorithm, made: KeysMade, retired: KeysRetired },
  }));
export type Settings = z.output<typeof settings>;

/**
 * The reason why a log that was deployed with some settings cannot be deployed with others; undefined if it can.
 */
export function refusal(before: Settings, after: Settings): string | undefined {
  if (after.logName !== before.logName) {
    return `this log is ${before.logName} in every signature and cannot become ${after.logName}: deploy it under its name`;
  }
  if (before.stage === 'prod' && after.stage !== 'prod') {
    return 'this log is prod and cannot become dev: deploy with stage=prod';
  }
  if (after.algorithm !== before.algorithm) {
    return `the keys of this log are ${before.algorithm} and would be replaced: deploy with signingAlgorithm=${before.algorithm}`;
  }
  if (after.made < before.made) {
    return `this log has ${before.made} signing keys and ${after.made} would leave some behind: deploy with signingKeys=${before.made}`;
  }
  if (after.retired < before.retired) {
    return `${before.retired} keys of this log are retired and must not sign again: deploy with retiredKeys=${before.retired}`;
  }
  return undefined;
}

/**
 * Guards a stack: all of its other resources depend on this one, so nothing changes until it has accepted the settings.
 *
 * CloudFormation keeps the settings of the last deployment and passes them with each update. If a later resource fails, it
 * rolls back by another update, which looks like a downgrade; the stack's status tells the two apart.
 */
export const handler = customResource(async (event) => {
  if (event.RequestType !== 'Update') return { id: 'settings' };
  const reason = refusal(settings.parse(event.OldResourceProperties), settings.parse(event.ResourceProperties));
  if (reason === undefined || (await isRollback(event.StackId))) return { id: event.PhysicalResourceId };
  throw new RangeError(reason);
});

/** True if CloudFormation is rolling back to the previous deployment. */
async function isRollback(stackId: string): Promise<boolean> {
  return (await stackStatus(cloudFormationClient(), stackId)) === 'UPDATE_ROLLBACK_IN_PROGRESS';
}
