import { tableContract } from '../../../lib/testing/contracts/table.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

let table = new MemoryTable();
tableContract('MemoryTable', {
  open: async () => {
    table = table.restarted();
    return table;
  },
});
