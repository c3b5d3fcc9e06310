import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { QUERY, SELECTION } from '../../../lib/api/routes/query-parameters.ts';
import { installExport } from '../../../lib/cli/commands/ask/export.ts';
import { installQuery } from '../../../lib/cli/commands/ask/query.ts';
import { installTail } from '../../../lib/cli/commands/ask/tail.ts';
import { filtersOf, optionOf, withFilters } from '../../../lib/cli/shell/filters.ts';
import { Shell, withServer } from '../../../lib/cli/shell/shell.ts';

/** Every filter of the API is an option with the API's own help, whatever a dimension is called. */

/** Parses a command line as a command with filters does. */
function asked(args: readonly string[], filters: Readonly<Record<string, z.ZodType>> = SELECTION) {
  const command = withServer(withFilters(new Command('query'), filters)).exitOverride();
  command.parse(args, { from: 'user' });
  return { options: command.opts(), query: filtersOf(command.opts(), filters) };
}

describe('the options for filters', () => {
  it('are those of the API: one for every parameter but those that page and order', () => {
    const args = Object.keys(SELECTION).flatMap((name) => [`--${optionOf(name)}`, 'x']);
    const own = ['order', 'limit', 'cursor'];
    expect(Object.keys(asked(args).query).sort()).toEqual(
      Object.keys(QUERY)
        .filter((name) => !own.includes(name))
        .sort(),
    );
  });

  it('may be repeated where the API takes several values, and else not', () => {
    const { query } = asked([
      '--actor-type',
      'user',
      '--actor-type',
      'agent',
      '--severity',
      'info',
      '--severity',
      'error',
    ]);
    expect(query).toEqual({ actorType: ['user', 'agent'], severity: 'error' });
  });

  it('have the help of the parameter', () => {
    const { options } = withFilters(new Command('query'));
    expect(options.map(({ description }) => description)).toEqual(
      Object.values(SELECTION).map(({ description }) => description),
    );
    expect(options.every(({ description }) => description !== '')).toBe(true);
  });

  it('leave the options of the shell alone: a dimension `region` is `--event-region`', () => {
    const filters = { ...SELECTION, region: z.array(z.string()).optional().describe('where it happened') };
    const { options, query } = asked(['--event-region', 'eu', '--region', 'eu-central-1'], filters);
    expect(options.region).toBe('eu-central-1');
    expect(query).toEqual({ region: ['eu'] });
    expect(asked(['--region', 'eu-central-1'], filters).query).toEqual({});
  });

  it('collide with no option of a command that has filters', () => {
    const terminal = {} as Shell['terminal']; // nothing is run
    const shell = new Shell(terminal, async () => 0);
    const filters = new Set(Object.keys(SELECTION).map((name) => `--${optionOf(name)}`));
    for (const install of [installQuery, installExport, installTail]) {
      const program = new Command();
      install(program, shell);
      const own = (program.commands[0]?.options ?? []).filter(({ long }) => !filters.has(long ?? ''));
      expect(own.length).toBeGreaterThan(5);
      // A dimension of the same name would get an option of another.
      for (const { long } of own) expect(optionOf((long ?? '').slice(2))).toBe(`event-${(long ?? '').slice(2)}`);
    }
  });
});
