import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import temporaryFolder from '../temporary-folder.ts';
import { variants } from './variants.ts';

/**
 * `npm run test:templates`: AWS's cfn-lint, pinned, and cdk-nag over the template of every variant of the stack. cfn-lint knows the schemas of all
 * resources, which CDK's types leave open, and must not find an error. Needs python3; a tool that is missing is a failure.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
/** What is fetched stays here between runs. */
const PYTHON = join(ROOT, '.venv-aws/templates');

const removeTemporary = temporaryFolder();
try {
  install();
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-templates-'));
  const app = variants(folder);
  // Synthesis fails on a finding that the stack does not explain.
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
  const templates = readdirSync(folder).filter((name) => name.endsWith('.template.json'));
  if (templates.length < 12) throw new Error(`only ${templates.length} templates were made`);
  assertErrors(folder);
  lint(templates.map((name) => join(folder, name)));
  console.log(`cfn-lint and cdk-nag find no error in ${templates.length} templates`);
} finally {
  removeTemporary();
}

/** Unless what is there was installed by the same pins. */
function install(): void {
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  const done = `${PYTHON}.pins`;
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return;
  mkdirSync(join(PYTHON, '..'), { recursive: true });
  execFileSync('python3', ['-m', 'venv', '--clear', PYTHON], { stdio: 'inherit' });
  const pip = ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS];
  execFileSync(join(PYTHON, 'bin/python'), pip, { stdio: 'inherit' });
  writeFileSync(done, wanted);
}

/** @throws Error with what cfn-lint says of an error */
function lint(files: readonly string[]): void {
  const args = ['--non-zero-exit-code', 'error', '--ignore-checks', 'W', '--', ...files];
  const { status, stdout, stderr } = spawnSync(join(PYTHON, 'bin/cfn-lint'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cfn-lint ends with ${status}:\n${stdout}${stderr}`);
}

/** That it looks: a template with a property that is not there must be found. */
function assertErrors(folder: string): void {
  const file = join(folder, 'wrong.json');
  const wrong = { Type: 'AWS::SQS::Queue', Properties: { DelaySecond: 30 } };
  writeFileSync(file, JSON.stringify({ Resources: { Queue: wrong } }));
  try {
    lint([file]);
  } catch {
    return;
  }
  throw new Error('cfn-lint finds nothing wrong with a property that is not there');
}
