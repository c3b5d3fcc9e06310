/** `sealtrail/log`: the log's formats and tree arithmetic, for writing your own verifier or tool. */
export * from './archive.ts';
export * from './checkpoint.ts';
export * from './encoding.ts';
export * from './error.ts';
export * from './frontier.ts';
export * from './hash.ts';
export * from './identity.ts';
export * from './note.ts';
export * from './numbering.ts';
export * from './producer.ts';
export * from './proof.ts';
export * from './record.ts';
export * from './record-format.ts';
export * from './selection.ts';
export * from './tile.ts';
export * from './trail-name.ts';
export * from './tree.ts';
