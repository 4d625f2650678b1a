// A case on standard input, as JSON: what the page's language model and search make of it.
import { Language } from "../../signkit/commands/live/page/js/language.js";
import { Prior } from "../../signkit/commands/live/page/js/prior.js";
import { beamSearch } from "../../signkit/commands/live/page/js/search.js";

let text = "";
for await (const part of process.stdin) text += part;
const { described, symbols, texts, clips, searches, letters } = JSON.parse(text);
const language = new Language(described, symbols);
const rows = texts.map((each) => Array.from(language.row(language.stateOf(each))));
const ends = texts.map((each) => language.ends(language.stateOf(each)));
const completions = texts.map((each) => language.completions(each));
const found = searches.map((options) =>
  clips.map((clip) => beamSearch(Float32Array.from(clip.flat()), symbols.length, 0, language, options)),
);
const shares = letters.map(({ logits, temperature, weight, before }) => {
  const prior = new Prior(language, () => before);
  prior.weight = weight;
  return prior.shares(Array.from(logits), temperature, { typed: false });
});
process.stdout.write(JSON.stringify({ rows, ends, completions, found, shares }));
