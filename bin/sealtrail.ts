#!/usr/bin/env node
// Nothing may be imported statically here but what every Node has: an old one is to hear a sentence, not a stack.
// What runs a log needs a newer Node than what verifies one: see lib/cli/shell/server-node.ts.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 18)) {
  process.stderr.write(
    `sealtrail needs Node 20.18 or newer, and this is Node ${process.versions.node}: install it from https://nodejs.org.\n`,
  );
  process.exitCode = 2;
} else {
  await keepCompiled();
  const { main } = await import('../lib/cli/main.ts');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second time the user means it.
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
    });
  }
  // A reader that went away (`| head`) shows as a failed write; without a listener it would be a crash as well.
  process.stdout.on('error', () => {});
  const { stdin, stdout, stderr, env } = process;
  process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, env, signal: stop.signal });
}

/**
 * Has Node keep what it compiles for the next start, which then takes half as long. Not where Node would by itself: in a shared
 * temporary folder, others could put code in before.
 */
async function keepCompiled(): Promise<void> {
  const [{ enableCompileCache }, { homedir }, { join }] = await Promise.all([
    import('node:module'),
    import('node:os'),
    import('node:path'),
  ]);
  try {
    const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
    // Absent before Node 22.8. Where the folder cannot be written, Node goes on without.
    enableCompileCache?.(join(caches, 'sealtrail', 'compiled'));
  } catch {
    // A user without a home, as in some containers: everything works, and starts more slowly.
  }
}
