import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assertServerNode } from '../../shell/server-node.ts';
import type { Install } from '../../shell/shell.ts';

interface Options {
  readonly folder?: string;
}

export const installDemo: Install = (program, shell) => {
  program
    .command('demo')
    .summary('see all of it on real data, in a few seconds')
    .description(
      'Starts a log in a new folder, sends it real GitHub webhooks, queries them, proves one, verifies the archive,\n' +
        'and shows that a changed byte is found. Nothing leaves this machine; the folder is kept to look around in.',
    )
    .option('--folder <dir>', 'where to put everything (default: a new folder among the temporary ones)')
    .action(async ({ folder }: Options) => {
      assertServerNode('sealtrail demo');
      // Imported here, so that the other commands start faster, and on a Node that cannot run this one.
      const [{ Demo }, { loadExamples }, { eventsOf }] = await Promise.all([
        import('../../demo/demo.ts'),
        import('../../demo/examples.ts'),
        import('../../demo/github.ts'),
      ]);
      const events = eventsOf(await loadExamples());
      const dir = folder === undefined ? await mkdtemp(join(tmpdir(), 'sealtrail-demo-')) : resolve(folder);
      await mkdir(dir, { recursive: true });
      // The demo runs its commands as shown, with names relative to its folder.
      process.chdir(dir);
      await new Demo(shell, dir, events).run();
    });
};
