import { describe, expect, it } from 'vitest';
import { conditionOf, conditionTest } from '../../lib/question/conditions.ts';

const EVENT = {
  type: 'invoice.paid',
  details: {
    amount: 150,
    long: '7353954110769176067',
    currency: 'EUR',
    reason: 'timeout after 3 s',
    paid: true,
    note: null,
    at: '2026-03-01',
    'a.b': { 'c d': 1 },
    tags: ['red', 'blue'],
    items: [{ price: 5 }, { price: 20 }],
  },
};
const holds = (text: string): boolean => conditionTest(conditionOf(text))(EVENT);

describe('a condition', () => {
  it.each([
    'details.amount>100',
    'details.amount >= 150',
    'details.amount<151',
    'details.amount <= 150',
    'details.amount = 150',
    'details.amount == 150',
    'details.amount=1.5e2',
    'details.amount != 151',
    'details.amount > -5',
    'details.long = 7353954110769176067',
    'details.long > 7353954110769000000',
    'details.currency=EUR',
    'details.currency="EUR"',
    'details.currency != USD',
    'details.reason = timeout*',
    'details.reason=*3 s',
    'details.paid=true',
    'details.note=null',
    'details.note exists',
    'details.at >= 2026-02-28',
    'details["a.b"]["c d"] = 1',
    'details.tags = red',
    'details.tags[1] = blue',
    'details.tags exists',
    'details.items.price > 10',
    'details.items[0].price=5',
    'type = invoice.*',
  ])('holds: %s', (text) => {
    expect(holds(text)).toBe(true);
  });

  it.each([
    'details.amount>150',
    'details.amount = EUR',
    'details.currency > 100',
    'details.amount > EUR',
    'details.currency = eur',
    'details.currency="E*"',
    'details.paid="true"',
    'details.missing exists',
    'details.missing != 1',
    'details.missing < 1',
    'details.note != null',
    'details.tags != red',
    'details.tags[2] exists',
    'details.items[1].price=5',
    'details.__proto__ exists',
    'details.constructor exists',
    'changes.after exists',
  ])('does not hold: %s', (text) => {
    expect(holds(text)).toBe(false);
  });

  it.each([
    ['details.amount', 'must be a path, an operator and a value'],
    ['details.amount>', 'must be a path, an operator and a value'],
    ['details.amountexists', 'must be a path, an operator and a value'],
    ['details.amount ~ 5', 'must be a path, an operator and a value'],
    ['details..amount = 5', 'must be a path, an operator and a value'],
    ['amount > 5', 'begins with a field of an event, such as details.amount: id, type'],
    ['> 5', 'begins with a field of an event'],
    ['[0] = 5', 'begins with a field of an event'],
    ['details.reason = a*b', 'takes * at the beginning or the end'],
  ])('is refused: %s', (text, message) => {
    expect(() => conditionTest(conditionOf(text))).toThrow(
      expect.objectContaining({ code: 'invalid_parameter', message: expect.stringContaining(message) }),
    );
  });
});
