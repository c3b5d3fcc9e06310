import { join } from 'node:path';
import { afterAll } from 'vitest';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { objectsContract } from '../objects.contract.ts';
import { makeFolder, removeFolder } from '../temporary.ts';

const folder = await makeFolder();
afterAll(() => removeFolder(folder));
objectsContract('FolderObjects', { open: () => FolderObjects.open(join(folder, 'archive')), keepsVersions: false });
