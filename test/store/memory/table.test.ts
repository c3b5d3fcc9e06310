import { MemoryTable } from '../../../lib/store/memory/table.ts';
import { tableContract } from '../table.contract.ts';

let table = new MemoryTable();
tableContract('MemoryTable', {
  open: async () => {
    table = table.restarted();
    return table;
  },
});
