import { unicodeEscape } from '../../base/escape.ts';

/** A piece of HTML or SVG whose values have been escaped. Made by {@link markup} only. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The values of a template. Strings and numbers are escaped, lists are joined, undefined is nothing. */
export type Hole = string | number | Markup | undefined | readonly Hole[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * HTML from a template: whatever is put into it is text, wherever it stands (attributes must be quoted).
 *
 * @example
 * markup`<td title="${name}">${name}</td>`.text
 */
export function markup(strings: TemplateStringsArray, ...holes: readonly Hole[]): Markup {
  return new Markup(strings.map((part, at) => part + textOf(holes[at])).join(''));
}

function textOf(hole: Hole): string {
  if (hole === undefined) return '';
  if (hole instanceof Markup) return hole.text;
  if (typeof hole === 'object') return hole.map(textOf).join('');
  return visible(String(hole)).replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
}

/** Control characters and those that turn the direction of writing would make a page say what it does not hold. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, unicodeEscape);
}
