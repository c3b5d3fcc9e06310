/**
 * `sealtrail/testing/contracts`: a suite for each port, which every driver passes. They are written for Vitest and
 * fast-check, which are optional peer dependencies: call one in a test file that `vitest` runs.
 *
 * @module
 * @example
 * // spanner.test.ts
 * tableContract('SpannerTable', { open: () => SpannerTable.open(database) });
 */
export { type DownloadsDriver, downloadsContract, type FollowedLink } from './downloads.ts';
export { type FilesDriver, filesContract } from './files.ts';
export { objectsContract } from './objects.ts';
export type { ObjectsDriver } from './objects-driver.ts';
export { type SignerDriver, signerContract } from './signer.ts';
export { tableContract } from './table.ts';
export type { TableDriver } from './table-driver.ts';
