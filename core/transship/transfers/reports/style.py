"""How a report's page looks, on a screen and on paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: #1d2330; line-height: 1.45;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem; }
header { padding: 1.25rem 1.5rem; border-left: .5rem solid; border-radius: .4rem;
  background: #fff; }
header.good { border-color: #1a7f4b; }
header.bad { border-color: #b3261e; }
header.open { border-color: #a86500; }
.kind { margin: 0; color: #5b6474; }
h1 { margin: .1rem 0 .4rem; font-size: 1.75rem; }
.good h1 { color: #14663c; }
.bad h1 { color: #9a1f18; }
.open h1 { color: #845000; }
header p:last-child { margin: 0; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
section { margin-top: 1rem; padding: 1.1rem 1.5rem; background: #fff; border-radius: .4rem; }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0 0; padding: 0;
  list-style: none; }
.cards li { flex: 1 1 8rem; padding: .8rem 1rem; background: #fff; border-radius: .4rem;
  color: #5b6474; }
.cards b { display: block; color: #1d2330; font-size: 1.35rem; white-space: nowrap; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e4e7ec; overflow-wrap: anywhere; }
thead th { color: #5b6474; font-weight: 600; }
.facts th { width: 11rem; color: #5b6474; font-weight: 600; }
tbody td, .facts td { font-variant-numeric: tabular-nums; }
.number { width: 6rem; padding-right: 1.2rem; text-align: right; }
.total td { font-weight: 600; border-bottom: 0; }
details table, pre, code { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; font-size: .8rem; }
code { padding: .1rem .25rem; background: #eef0f3; border-radius: .2rem; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.digests td:first-child { white-space: nowrap; overflow-wrap: normal; }
.before { color: #5b6474; }
.remedy { margin: .2rem 0 .6rem; }
.remedy::before { content: "→ "; color: #5b6474; }
summary { cursor: pointer; }
summary h2 { display: inline; }
details[open] summary { margin-bottom: .6rem; }
footer { margin: 1.25rem 0; color: #5b6474; }
@media print {
  @page { margin: 16mm; }
  body { background: #fff; font-size: 10pt; }
  main { max-width: none; padding: 0; }
  header, section, .cards li { border-radius: 0; padding-left: 0; padding-right: 0; }
  header { border-left: .4rem solid; padding-left: 1rem; }
  section { border-top: 1px solid #c9ced6; }
  .cards { gap: .4rem; }
  .cards li { flex-basis: 5rem; }
  .cards b { font-size: 1.1rem; }
  section { padding-top: .8rem; padding-bottom: .4rem; }
  h2, h3, thead { break-after: avoid; }
  tr, .cards li { break-inside: avoid; }
  thead { display: table-header-group; }
}
"""
