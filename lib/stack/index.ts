export type { PublicKey } from './functions/custom-resources.ts';
export type { FunctionLimits, FunctionsLimits } from './functions/functions.ts';
export { TrailPolicies } from './functions/grants.ts';
export type { Alarms } from './monitoring/alarms.ts';
export type { KeyRotation, SealtrailProps } from './props.ts';
export type { Throttle } from './resources/http-api.ts';
export type { Lock, Stage } from './resources/stage.ts';
export { Sealtrail } from './sealtrail.ts';
export { SealtrailStack, type SealtrailStackProps } from './stack.ts';
