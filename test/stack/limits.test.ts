import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { makeStack, synthesise } from './synthesised.ts';

/** Limits of AWS that a deployment would run into when it has done half of its work: they are met, or said, at synthesis. */

const patterns = (count: number) => Array.from({ length: count }, (_, at) => `payments-${at}-*`);

describe('the managed policies', () => {
  const routes = (template: Template): readonly string[] => {
    const [auditor] = Object.entries(template.findResources('AWS::IAM::ManagedPolicy')).flatMap(
      ([id, { Properties }]) => (/Auditor/.test(id) && !/ArchiveAuditor/.test(id) ? [Properties] : []),
    );
    return JSON.stringify(auditor.PolicyDocument).match(/(GET|POST)\/v1\/[^"]*/g) ?? [];
  };

  it('of an auditor have three lines a pattern: to read holds every GET of a trail', () => {
    const lines = routes(synthesise({ trails: ['orders'] }));
    expect([...lines].sort()).toEqual([
      'GET/v1/keys',
      'GET/v1/trails',
      'GET/v1/trails/orders/*',
      'POST/v1/trails/orders/exports',
      'POST/v1/trails/orders/verifications',
    ]);
  });

  it('take sixteen patterns, twice as many as before, and say how much more would be', () => {
    expect(routes(synthesise({ trails: patterns(16) })).length).toBe(2 + 3 * 16);
    const said =
      /^the managed policy Writer for 30 patterns of trails has up to \d{4,5} characters, and IAM takes 6144: make several/;
    expect(() => synthesise({ trails: patterns(30) })).toThrow(said);
  });
});

describe('what the functions are told', () => {
  const retention = Array.from({ length: 200 }, (_, at) => ({
    trail: `department-${at}-application-*`,
    hotFor: Duration.days(30),
    archiveFor: Duration.days(3650),
  }));

  it('stays in their environment while it fits there', () => {
    synthesise().resourceCountIs('AWS::Lambda::LayerVersion', 0);
  });

  it('goes into a file beside them when it does not, the same for all of them', () => {
    const stack = makeStack({ trailRetention: retention });
    const template = Template.fromStack(stack);
    const [layer] = Object.keys(template.findResources('AWS::Lambda::LayerVersion'));
    const told = Object.values(template.findResources('AWS::Lambda::Function')).filter(({ Properties }) =>
      Object.hasOwn(Properties.Environment.Variables, 'SEALTRAIL_TABLE'),
    );
    expect(told).toHaveLength(6);
    for (const { Properties } of told) {
      const { Variables } = Properties.Environment;
      expect(Properties.Layers).toEqual([{ Ref: layer }]);
      expect(Variables.SEALTRAIL_VARIABLES).toBe('/opt/sealtrail-variables.json');
      expect(Variables).not.toHaveProperty('SEALTRAIL_RETENTION');
      expect(JSON.stringify(Variables).length).toBeLessThan(4096);
    }
  });

  it('is refused when keys alone are too many, with the count', () => {
    const said = /^the functions' variables have \d{4,5} bytes and Lambda takes 4096: name fewer keys$/;
    expect(() => synthesise({ keyRotation: { made: 60, retired: 59 } })).toThrow(said);
  });
});
