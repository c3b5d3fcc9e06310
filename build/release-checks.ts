/** What a release is made of, before anything is published. */
export interface Release {
  /** The tag, such as `v1.2.3`. */
  readonly tag: string;
  /** Texts of the two package.json, of package-lock.json and of CHANGELOG.md. */
  readonly whole: string;
  readonly client: string;
  readonly lock: string;
  readonly changelog: string;
  /** Whether the work tree differs from the commit that is tagged. */
  readonly isDirty: boolean;
  /** Where the sources are published, as `https://github.com/owner/name`; undefined outside of a workflow. */
  readonly repository: string | undefined;
}

/** What keeps a release from being published, a sentence each; empty: nothing does. */
export function findProblems(release: Release): string[] {
  const [whole, client, lock] = [release.whole, release.client, release.lock].map((text) => JSON.parse(text));
  const { version } = whole;
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string): void => void (holds || problems.push(problem));
  expect(/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version), `package.json: ${version} is no version`);
  expect(release.tag === `v${version}`, `the tag is ${release.tag}, and package.json says ${version}`);
  expect(
    client.version === version,
    `packages/client/package.json says ${client.version}, and package.json ${version}`,
  );
  expect(lock.version === version, `package-lock.json says ${lock.version}, and package.json ${version}`);
  expect(notesOf(release.changelog, version) !== '', `CHANGELOG.md says nothing under "## ${version}"`);
  expect(notesOf(release.changelog, 'Unreleased') === '', `CHANGELOG.md still has changes under "## Unreleased"`);
  expect(!release.isDirty, 'the work tree differs from the tagged commit');
  // npm refuses a provenance that names another place than the package does.
  for (const { name, repository } of release.repository === undefined ? [] : [whole, client]) {
    const named = String(repository?.url ?? '')
      .replace(/^git\+/, '')
      .replace(/\.git$/, '');
    expect(named === release.repository, `the repository of ${name} is "${named}", and this is ${release.repository}`);
  }
  return problems;
}

/** What the changelog says of a version, without its heading. */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split(/[\s\n]/)[0] === version);
  return section?.split('\n').slice(1).join('\n').trim() ?? '';
}
