export type { Throttle } from './http-api.ts';
export { Sealtrail, type SealtrailProps } from './sealtrail.ts';
export { SealtrailStack, type SealtrailStackProps } from './stack.ts';
export type { Lock, Stage } from './stage.ts';
