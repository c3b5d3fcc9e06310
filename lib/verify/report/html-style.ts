import { Markup } from './markup.ts';

/** The report's style sheet. Black on white, on the screen as on paper; colour never says what a word does not. */
export const STYLE = new Markup(`
:root { --ink: #1b1f24; --soft: #57606a; --line: #d5dae0; --ok: #17663a; --open: #8a5a00; --bad: #a40e26; --bar: #2f6690; --mark: #b3541e; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { margin: 0 0 .25rem; font-size: 2.2rem; line-height: 1.15; }
h2 { margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); font-size: 1.15rem; }
h3 { margin: 1rem 0 .3rem; font-size: 1rem; }
p { margin: .4rem 0; }
.kind { margin: 0; color: var(--soft); }
.lead { font-size: 1.05rem; }
.mark { display: inline-block; width: 1.35em; height: 1.35em; margin-right: .15em; border-radius: 50%; color: #fff; text-align: center; line-height: 1.35; font-size: .7em; vertical-align: .15em; }
.ok .mark { background: var(--ok); } .incomplete .mark { background: var(--open); } .damaged .mark { background: var(--bad); }
.ok { color: var(--ok); } .incomplete { color: var(--open); } .damaged { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .8rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.2rem 0 0; padding: 0; list-style: none; color: var(--soft); }
.figures b { display: block; color: var(--ink); font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.kinds { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: 0 0 .6rem; padding: 0; list-style: none; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { padding: .35rem 1.4rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { white-space: nowrap; }
.long { overflow-wrap: anywhere; } .whole { white-space: nowrap; font-variant-numeric: tabular-nums; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.root td { padding-top: 0; color: var(--soft); font-size: .85rem; }
tr:has(+ .root) td { border-bottom: 0; }
.problems td:first-child { white-space: nowrap; }
.problems td:nth-child(2) { width: 50%; }
code, pre { font: .88em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; } .object, .names { color: var(--soft); }
.names { margin: 0; padding: 0; list-style: none; font-size: .85rem; }
pre { margin: .5rem 0; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: .85rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--soft); }
svg .title { fill: var(--ink); font-weight: 600; } svg .grid { stroke: var(--line); stroke-width: .7; } svg .base { stroke: var(--soft); stroke-width: 1; }
svg .records { fill: var(--bar); } svg .checkpoints { fill: var(--mark); }
@media print {
  @page { margin: 16mm; }
  body { font-size: 10.5pt; } svg text { font-size: 17px; } main { max-width: none; padding: 0; }
  tr, svg, section:has(svg), section:last-child { break-inside: avoid; } tr:has(.names) { break-inside: auto; } .names li:nth-last-child(-n+8) { break-before: avoid; } section:last-child { break-before: avoid; } thead { display: table-header-group; } h2, p:has(+ table), tr:has(+ .root) { break-after: avoid; }
  th, td { padding-right: .9rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`);
