import { join } from 'node:path';
import { afterAll } from 'vitest';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { tableContract } from '../table.contract.ts';
import { makeFolder, removeFolder } from '../temporary.ts';

const folder = await makeFolder();
afterAll(() => removeFolder(folder));
tableContract('SqliteTable', { open: () => SqliteTable.open(join(folder, 'contract.db')) });
