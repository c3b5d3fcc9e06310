/** `sealtrail/client`: what applications use to talk to a log. It imports no server code. */
export { SealtrailError } from '../log/error.ts';
export * from './http.ts';
export * from './receipt.ts';
