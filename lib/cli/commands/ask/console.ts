import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { write } from '../../output/terminal.ts';
import { connect, type Install, integer, type ServerOptions, withJson, withServer } from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly port: number;
  readonly open: boolean;
  readonly json?: true;
}

export const installConsole: Install = (program, shell) => {
  withJson(
    withServer(
      program
        .command('console')
        .summary('look at the log, and see it checked, in a browser')
        .description(
          'Opens the console in your browser. A server on this machine alone signs what it asks with your AWS credentials, so\n' +
            'that no key enters the browser. It reads, verifies and exports, and passes on nothing else. Ctrl-C stops it.',
        ),
    )
      .option('--port <n>', 'port of 127.0.0.1 to listen on; 0 takes any free one', integer('--port', 0, 65_535), 0)
      .option('--no-open', 'only print the address'),
  ).action(async (options: Options) => {
    const { terminal } = shell;
    const http = connect(terminal, options);
    // Imported here, so that the other commands start faster.
    const { startConsoleProxy } = await import('../../console/console-proxy.ts');
    const proxy = await startConsoleProxy(http, options.port);
    try {
      const told = options.json
        ? JSON.stringify({ url: proxy.url, endpoint: http.endpoint.href })
        : `The console of ${http.endpoint.origin}: ${proxy.url}\nThe address works once, in one browser. Ctrl-C stops it.`;
      await write(terminal.stdout, `${told}\n`);
      if (options.open && !options.json) openBrowser(proxy.url);
      if (!terminal.signal.aborted) await once(terminal.signal, 'abort');
    } finally {
      await proxy.close();
    }
  });
};

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/** Opens the reader's browser. Where there is none, the address was printed. */
function openBrowser(url: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
