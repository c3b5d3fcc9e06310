import { Duration } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { Authority } from '../tsp/authority.ts';
import { makeStack, synthesise } from './synthesised.ts';

/** A policy that a deployment is given reaches the function that asks the witnesses, and brings what that needs, no more. */

const W1 = 'witness W1 remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2 https://witness.example/\n';
const POLICY = `${W1}quorum W1\n`;

describe('witnesses of a deployment', () => {
  const template = JSON.stringify(synthesise({ witnessPolicy: POLICY }).toJSON());
  const usual = JSON.stringify(synthesise().toJSON());

  it('are told to the functions, with the right to state heads and an alarm', () => {
    expect(template).toContain(JSON.stringify(POLICY).slice(1, -1));
    expect(template).toContain('"Sid":"PutHeadRecords"');
    synthesise({ witnessPolicy: POLICY }).hasResourceProperties('AWS::CloudWatch::Alarm', {
      ...{ MetricName: 'WitnessLag', Threshold: 900_000, TreatMissingData: 'breaching' },
    });
  });

  it('are none by default', () => {
    for (const trace of ['SEALTRAIL_WITNESS_POLICY', 'PutHeadRecords', 'WitnessLagAlarm']) {
      expect([trace, usual.includes(trace)]).toEqual([trace, false]);
    }
  });

  it('are refused at synthesis if the log could never reach their quorum', () => {
    expect(() => makeStack({ witnessPolicy: 'quorum none\n' })).toThrow('no witness would be asked');
    expect(() => makeStack({ witnessPolicy: `${W1.replace(/ https:\S+/, '')}quorum W1\n` })).toThrow('not enough');
    expect(() => makeStack({ witnessPolicy: 'quorum W1' })).toThrow('ends with a newline');
    const often = { witnessPolicy: POLICY, witnessEvery: Duration.seconds(5) };
    expect(() => makeStack(often)).toThrow('witnessEvery must be half a minute to five minutes, not 5 seconds');
  });
});

describe('the time-stamping service of a deployment', () => {
  const service = new Authority();
  afterAll(() => service.close());

  it('is told to the functions, with an alarm', () => {
    const template = synthesise({ timestamps: { url: 'https://tsa.example/', authorities: service.root } });
    expect(JSON.stringify(template.toJSON())).toContain('"SEALTRAIL_TSA_URL":"https://tsa.example/"');
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'TimestampLag', Threshold: 21_600_000 });
  });

  it('is none by default, and is refused at synthesis if it cannot be used', () => {
    expect(JSON.stringify(synthesise().toJSON())).not.toContain('TSA_URL');
    expect(() => makeStack({ timestamps: { url: 'tsa.example' } })).toThrow('is not one of HTTP');
    const certificates = { url: 'https://tsa.example/', authorities: 'none' };
    expect(() => makeStack({ timestamps: certificates })).toThrow('it holds no certificate in PEM');
  });
});
