export type { PublicKey } from './custom-resources.ts';
export { TrailPolicies } from './grants.ts';
export type { Throttle } from './http-api.ts';
export type { KeyRotation, SealtrailProps } from './props.ts';
export { Sealtrail } from './sealtrail.ts';
export { SealtrailStack, type SealtrailStackProps } from './stack.ts';
export type { Lock, Stage } from './stage.ts';
