import { MemoryObjects } from '../../../lib/store/memory/objects.ts';
import { objectsContract } from '../objects.contract.ts';

let objects = new MemoryObjects();
objectsContract('MemoryObjects', {
  open: async () => {
    objects = objects.restarted();
    return objects;
  },
  keepsVersions: true,
});
