"""How the page looks: two colour schemes of one family with the page of a run, narrow screens, paper."""

LIGHT = """color-scheme: light; --ink: #22262c; --soft: #59616d; --paper: #fff;
  --raised: #f6f7f9; --line: #d5dae1;
  --accent: #0f766e; --tint: 15 118 110; --most: .68; --bad: #b91c1c; --sub: #a21caf; --ins: #1d4ed8"""
DARK = """color-scheme: dark; --ink: #e6e8eb; --soft: #a3abb6; --paper: #16181c;
  --raised: #1e2126; --line: #3a3f47;
  --accent: #2dd4bf; --tint: 45 212 191; --most: .45; --bad: #f87171; --sub: #e879f9; --ins: #93c5fd"""

STYLE = (
    f"""
:root {{ {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {DARK} }} }}
:root[data-theme=dark] {{ {DARK} }}
@media print {{ :root, :root[data-theme=dark], :root:not([data-theme=light]) {{ {LIGHT} }} }}
"""
    + r"""
* { box-sizing: border-box }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100% }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0;
  font-variant-numeric: tabular-nums }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem) }
header { padding-top: 2.5rem }
h1, h2, h3, p { margin: 0 }
h1 { font-size: clamp(1.6rem, 4vw, 2.25rem); font-weight: 650; line-height: 1.2; letter-spacing: -.015em;
  overflow-wrap: anywhere }
h2 { font-size: 1.3rem; font-weight: 650; letter-spacing: -.01em; margin: 3.5rem 0 1rem; padding-top: 1rem;
  border-top: 1px solid var(--line) }
h3 { font-size: 1rem; font-weight: 650 }
h3 small { font-weight: 400; color: var(--soft); font-size: 1em }
a { color: var(--accent); text-underline-offset: .2em }
small, .note, .of, .between, .scale, caption { color: var(--soft); font-size: .875rem }
.top { display: flex; gap: 1rem 2rem; justify-content: space-between; align-items: start }
.about { margin-top: .5rem; max-width: 46rem; color: var(--soft) }
.about b { color: var(--ink); font-weight: 600 }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 1.25rem 0 0;
  padding: 0;
  font-size: .9375rem }
.skip { position: absolute; left: -99rem; background: var(--paper); padding: .5rem 1rem; z-index: 2 }
.skip:focus { left: 1rem; top: 1rem }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
[hidden] { display: none !important }
button, input, select { font: inherit; color: inherit }
button { cursor: pointer }
.plain, input[type=search], select { background: var(--paper); border: 1px solid var(--soft);
  border-radius: .4rem;
  padding: .3rem .75rem }
.plain:hover { border-color: var(--ink) }
#theme { flex: none; font-size: .875rem }
#theme::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-inline-end: .5em;
  border-radius: 50%; border: 1.5px solid currentColor;
  background: linear-gradient(90deg, currentColor 50%, transparent 0);
  vertical-align: -.06em }
#theme[aria-pressed=true]::before { background: currentColor }
html:not(.js) :is(#theme, .copy, .find, .controls, .choice) { display: none }

.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr));
  gap: 2rem 3rem; margin: 2.5rem 0 2rem }
.card { border-top: 2px solid var(--ink); padding-top: .75rem; display: flex; flex-direction: column }
.figure { margin-top: .5rem; flex: 1 }
.large { font-size: clamp(2.75rem, 6vw, 3.75rem); font-weight: 300; line-height: 1.15;
  letter-spacing: -.03em }
.large small { font-size: .45em; margin-inline-start: .2em; letter-spacing: 0 }
.many .figure { display: grid; grid-template-columns: 1fr auto; align-items: baseline; column-gap: 1rem }
.many .of { color: var(--ink); font-size: 1rem; overflow-wrap: anywhere }
.many .large { font-size: 1.9rem; font-weight: 400; grid-column: 2 }
.many :is(.interval, .between, .note) { grid-column: 1 / -1 }
.scale { display: flex; justify-content: space-between; margin-top: .5rem; font-size: .8125rem }
svg.interval { display: block; width: 100%; height: 14px; overflow: visible }
svg.interval line { stroke: var(--line); stroke-width: 1 }
svg.interval .reach { stroke: var(--accent); stroke-width: 2 }
svg.interval .range { stroke: var(--accent); stroke-width: 8; opacity: .35 }
svg.interval .zero { stroke: var(--soft) }
svg.interval circle { fill: var(--accent); stroke: var(--paper); stroke-width: 1.5 }
td svg.interval { display: inline-block; width: 9rem; margin-inline-start: 1rem; vertical-align: -.1em }
svg.bar { display: inline-block; width: 5rem; height: .55em; margin-inline-start: .75rem }
svg.bar rect { fill: var(--accent); opacity: .75; rx: 1px }

.signature { position: relative; background: var(--raised); border-radius: .5rem;
  padding: 1rem 6rem 1rem 1.25rem;
  margin-top: 1rem }
.signature pre { margin: 0; font: .875rem/1.6 ui-monospace, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere }
.copy { position: absolute; top: .75rem; right: .75rem; font-size: .875rem }

.scroll { overflow: auto; scrollbar-width: thin; max-height: 46rem; margin: .75rem 0 1.5rem }
.whole { max-height: none }
table { border-collapse: collapse; font-size: .9375rem }
caption { text-align: start; padding-bottom: .4rem }
caption span { display: inline-block; max-width: calc(100vw - 2.5rem) }
th, td { border-bottom: 1px solid var(--line); padding: .35rem 1.5rem .35rem 0; text-align: start;
  font-weight: 400;
  vertical-align: baseline }
.n { text-align: end; white-space: nowrap }
th:last-child, td:last-child { padding-inline-end: .25rem }
thead th { position: sticky; top: 0; background: var(--paper); z-index: 1; white-space: nowrap;
  box-shadow: inset 0 -1px var(--soft); border: 0 }
th button { all: unset; cursor: pointer; font-size: .875rem; color: var(--soft) }
th button:hover { color: var(--ink) }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
th button::after { content: "↕"; opacity: .45; margin-inline-start: .3em; display: inline-block; width: .8em }
th[aria-sort=ascending] button::after { content: "↑"; opacity: 1 }
th[aria-sort=descending] button::after { content: "↓"; opacity: 1 }
th[aria-sort]:not([aria-sort=none]) button { color: var(--ink); font-weight: 600 }
bdi { unicode-bidi: isolate; overflow-wrap: break-word }
.unseen { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden;
  white-space: nowrap }
.find { all: unset; cursor: pointer; color: var(--accent); font-size: .875rem; text-decoration: underline;
  text-underline-offset: .2em }
.find:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.two :is(th, td) { padding-inline-end: 1rem }
.two svg.bar { width: 3.5rem }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 3rem;
  align-items: start }
.analysis { margin-top: 2.25rem }
summary { cursor: pointer; color: var(--accent); width: fit-content; margin: .5rem 0 }

.grid { font-size: .8125rem }
.grid :is(th, td), .two .grid td { border: 0; padding: 0; position: static; box-shadow: none }
.grid thead th { vertical-align: bottom; padding: 0 0 .4rem; z-index: auto }
.grid thead th span { writing-mode: vertical-rl; display: inline-block; max-height: 9rem; overflow: hidden;
  text-align: end }
.grid tbody th { text-align: end; vertical-align: middle; padding-inline-end: .6rem; white-space: nowrap;
  max-width: 12rem; overflow: hidden;
  text-overflow: ellipsis }
.grid thead th, .grid tbody td { width: 2rem; min-width: 2rem; text-align: center }
.grid tbody td, .two .grid tbody td { height: 2rem; vertical-align: middle; border: 1px solid var(--paper);
  font-size: .75rem;
  background: linear-gradient(rgb(var(--tint) / calc(var(--v, 0) * var(--most))) 0 0), var(--raised) }
.grid tbody td.right { color: var(--soft); box-shadow: inset 0 0 0 1px var(--soft) }

.plot { display: block; font-size: 13px; fill: var(--ink) }
.plot text { text-anchor: middle }
.plot .tick { fill: var(--soft); font-size: 12px }
.plot line.axis { stroke: var(--line) }
.plot rect { fill: var(--accent); opacity: .75 }
.plot line.range { stroke: var(--ink); stroke-width: 1.5 }
.plot .value { font-weight: 600 }

.choice { border: 0; padding: 0; margin: 0 0 -.5rem; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem }
.choice legend { float: inline-start; padding: 0; margin-inline-end: 1.5rem; color: var(--soft) }
input { accent-color: var(--accent) }
.controls { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; padding: .75rem 0;
  position: sticky; top: 0; background: var(--paper); z-index: 1; border-bottom: 1px solid var(--line) }
.controls label { color: var(--soft) }
.controls :is(input[type=search], select) { color: var(--ink); margin-inline-start: .35rem }
#filter { width: 16rem; max-width: 60vw }
::placeholder { color: var(--soft); opacity: 1 }
#shown { margin-inline-start: auto; color: var(--soft) }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: .75rem 0; color: var(--soft);
  font-size: .875rem }
article { border-bottom: 1px solid var(--line); padding: .8rem 0 .7rem; content-visibility: auto;
  contain-intrinsic-size: auto 7rem }
.who { font-size: .875rem; overflow-wrap: anywhere }
.who b { font-weight: 600 }
.line { display: grid; grid-template-columns: 1fr 13.5rem; gap: 0 2rem; align-items: start }
.line + .line { margin-top: .5rem }
.steps { grid-row: 1; display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin-top: .2rem; line-height: 1.4;
  min-width: 0 }
.character .steps { column-gap: .45rem }
.steps > span { display: flex; flex-direction: column; align-items: start; min-width: 0 }
.steps b { font-weight: 400; unicode-bidi: isolate; overflow-wrap: anywhere; white-space: pre-wrap }
.steps i, .legend i { font: 600 .8125rem/1.3 ui-monospace, monospace; font-style: normal }
.S :is(b, i), i.S { color: var(--sub) }
.D :is(b, i), i.D { color: var(--bad) }
.I :is(b, i), i.I { color: var(--ins) }
:is(.S, .D, .I) b { font-weight: 650 }
.D b:nth-child(2), .I b:first-child { font-weight: 400; letter-spacing: .1em }
.tally { grid-column: 2; text-align: end; font-size: .875rem; color: var(--soft); display: flex;
  flex-direction: column;
  font-variant-numeric: tabular-nums; padding-top: .2rem; max-width: 18rem; overflow-wrap: anywhere }
.name { color: var(--ink) }
footer { margin-top: 3rem; padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .875rem }

@media (max-width: 40rem) {
  header { padding-top: 1.25rem }
  th, td, .two :is(th, td) { padding-inline-end: .75rem }
  .line { grid-template-columns: 1fr }
  .steps { grid-row: auto }
  .tally { grid-column: 1; text-align: start; flex-direction: row; gap: .75rem; max-width: none; padding: 0 }
  .signature { padding-right: 1.25rem; padding-bottom: 3.5rem }
  .copy { top: auto; bottom: .75rem }
  .controls { position: static }
  #shown { margin-inline-start: 0 }
}
@media print {
  body { font-size: 10.5pt }
  header, main, footer { max-width: none; padding-inline: 0 }
  .skip, nav, #theme, .copy, .find, .controls, .choice, th button::after { display: none }
  .scroll { max-height: none; overflow: visible }
  thead { display: table-row-group }
  thead th { position: static; box-shadow: none; border-bottom: 1px solid var(--soft) }
  article, .card, tr, .plot, .grid { break-inside: avoid }
  article { content-visibility: visible }
  h2, h3 { break-after: avoid }
  * { print-color-adjust: exact }
}
"""
)
