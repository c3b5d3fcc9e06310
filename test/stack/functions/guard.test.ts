import { describe, expect, it } from 'vitest';
import { synthesise } from '../synthesised.ts';

/** CloudFormation orders by dependencies alone: what is to be refused before anything changes has to be waited for. */
describe('the guard of a stack', () => {
  const template = synthesise({ stage: 'prod', keyRotation: { made: 2, retired: 1 } });
  // The shape of a template (CloudFormation user guide, "Template sections").
  const resources: Readonly<
    Record<string, { readonly Type: string; readonly DependsOn?: string | readonly string[] }>
  > = template.toJSON().Resources;
  const [guard = ''] = Object.keys(template.findResources('Custom::SealtrailGuard'));

  it('is told what a log cannot take back', () => {
    template.hasResourceProperties('Custom::SealtrailGuard', {
      LogName: 'audit.example.com',
      Stage: 'prod',
      SigningAlgorithm: 'ed25519',
      KeysMade: 2,
      KeysRetired: 1,
    });
  });

  it('is waited for by everything but itself and what the managed policies are made of', () => {
    const waiting = (id: string): boolean => [resources[id]?.DependsOn].flat().includes(guard);
    const others = Object.keys(resources).filter((id) => !waiting(id));
    expect(others.filter((id) => !id.startsWith('SealtrailGuard')).map((id) => resources[id]?.Type)).toEqual(
      Array(3).fill('AWS::IAM::ManagedPolicy'),
    );
    for (const type of ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::S3::BucketPolicy', 'AWS::KMS::Key']) {
      const ids = Object.keys(template.findResources(type));
      expect(ids.length).toBeGreaterThan(0);
      expect(ids.filter((id) => !waiting(id))).toEqual([]);
    }
  });

  it('itself waits for nothing of the log', () => {
    const own = Object.entries(resources).filter(([id]) => id.startsWith('SealtrailGuard'));
    const named = own.flatMap(([, resource]) => [...JSON.stringify(resource).matchAll(/"(Sealtrail\w+)"/g)]);
    const logical = named.map(([, id = '']) => id).filter((id) => Object.hasOwn(resources, id));
    expect(logical.filter((id) => !id.startsWith('SealtrailGuard'))).toEqual([]);
  });

  it('lets a protected table go with a first deployment that fails: its release goes before the table', () => {
    const [release] = Object.values(template.findResources('Custom::SealtrailTableRelease'));
    expect(release?.Properties.Table).toEqual({ Ref: 'SealtrailTable29474214' });
    expect(synthesise().findResources('Custom::SealtrailTableRelease')).toEqual({});
  });
});
