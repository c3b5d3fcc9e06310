/**
 * `sealtrail/testing`: the five stores in memory, whose calls can be made to fail, for tests of drivers, of followers
 * and of programs that embed the log. It needs no test framework. The contract suites of the ports, which do, are in
 * `sealtrail/testing/contracts`.
 *
 * @module
 * @example
 * const table = new MemoryTable();
 * table.faults.add({ effect: 'persisted' }); // the next transaction is stored, and its answer lost
 * const ledger = new Ledger({ table, signers: [new MemorySigner()], logName: 'audit.example.com' });
 */
export { SealtrailError } from '../log/error.ts';
export type * from '../store/ports.ts';
export { sampleEvents } from './events.ts';
export { type DownloadsCall, MemoryDownloads } from './memory/downloads.ts';
export type { Fault, FaultEffect, Faults } from './memory/faults.ts';
export { type FilesCall, MemoryFiles } from './memory/files.ts';
export { MemoryObjects, type ObjectsCall } from './memory/objects.ts';
export { MemorySigner } from './memory/signer.ts';
export { MemoryTable, type TableCall } from './memory/table.ts';
