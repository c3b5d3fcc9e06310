import { collect, type Install, integer, trailName, withJson } from '../../shell/shell.ts';
import type { VerifyCommandOptions } from '../../shell/verifying.ts';

export const installVerify: Install = (program, shell) => {
  const command = program
    .command('verify <archive>')
    .summary('check an archive, end to end')
    .description(
      'Checks an archive: every record, hash, tile, checkpoint and signature, and that nothing else is there. It needs the\n' +
        'archive (a folder, or s3://bucket/prefix) and the public key: no server, and no trust in its maker.',
    )
    .requiredOption(
      '--key <file>',
      'the public keys to trust: PEM, vkey lines, or a list with sizes (docs/verify-yourself.md)',
    )
    .option('--trail <name>', 'only this trail; repeat it for several (default: all)', (name, before: unknown) =>
      collect(trailName(name), before),
    )
    .option(
      '--from <seq>',
      'only records from this number on (with one --trail)',
      integer('--from', 0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--to <seq>',
      'only records before this number (with one --trail)',
      integer('--to', 0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--previous <file>',
      'a checkpoint kept from earlier, which the archive must extend; repeat it for several',
      collect,
    )
    .option('--policy <file>', 'witnesses that must have cosigned: a C2SP tlog-policy (docs/witnesses.md)')
    .option(
      '--tsa-ca <file>',
      'judge time-stamps: certificates in PEM of who may have issued those of the services (docs/witnesses.md)',
    )
    .option('--ml-dsa-key <file>', "the log's ML-DSA-44 key, a line of which must cover all records: vkeys or PEM")
    .option('--since-report <file>', 'compare with an earlier report, as --json printed it')
    .option('--log-name <name>', 'the name that the log must have, such as audit.example.com')
    .option('--index', 'also compute what the query index states of itself, in _index, from the records, and compare')
    .option('--report <file>', 'write the report as an HTML page as well, to file or to print')
    .option('--workers [n]', 'threads to work with; without a number, one for each core', integer('--workers', 1, 256));
  withJson(command).action(async (archive: string, options: VerifyCommandOptions) => {
    // Only now: the other commands start faster without a verifier.
    const { verify } = await import('../../shell/verifying.ts');
    await verify(shell, archive, options);
  });
};
