// Suggestions of words, and regions of the picture.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, moved, spanned } from "../../signkit/commands/live/page/js/region.js";
import { completed, lastWord, readLexicon, suggestions } from "../../signkit/commands/live/page/js/words.js";

const LEXICON = readLexicon("hello\t10\nhelp\t8\nhelium\nworld\n\nheld\n");

test("a lexicon has a word a line", () => {
  assert.deepEqual(LEXICON, ["hello", "help", "helium", "world", "held"]);
});

test("words that begin so come in the lexicon's order, written as what was spelled", () => {
  assert.deepEqual(suggestions("HEL", LEXICON), ["HELLO", "HELP", "HELIUM"]);
  assert.deepEqual(suggestions("hell", LEXICON), ["hello", "help", "helium"]); // two but for a letter
  assert.deepEqual(suggestions("", LEXICON), []);
  assert.deepEqual(suggestions("WORLD", LEXICON), []);
});

test("one letter may be wrong, one too many or too few", () => {
  assert.deepEqual(suggestions("WOTL", LEXICON), ["WORLD"]);
  assert.deepEqual(suggestions("WOORL", LEXICON), ["WORLD"]);
  assert.deepEqual(suggestions("WRLD", LEXICON), ["WORLD"]);
  assert.deepEqual(suggestions("WTTL", LEXICON), []);
});

test("a suggestion takes the place of the last word", () => {
  assert.equal(lastWord("THE HEL"), "HEL");
  assert.equal(lastWord("THE "), "");
  assert.equal(completed("THE HEL", "HELLO"), "THE HELLO ");
});

test("a region stays in the picture", () => {
  assert.deepEqual(inside({ x: 0.9, y: -1, width: 0.5, height: 0.01 }), { x: 0.5, y: 0, width: 0.5, height: 0.1 });
  assert.deepEqual(spanned({ x: 0.75, y: 0.5 }, { x: 0.25, y: 0.25 }), { x: 0.25, y: 0.25, width: 0.5, height: 0.25 });
});

test("arrow keys move a region, with Shift they resize it", () => {
  const region = { x: 0.5, y: 0.5, width: 0.25, height: 0.25 };
  assert.equal(moved(region, "ArrowLeft", false).x, 0.48);
  assert.equal(moved(region, "ArrowDown", true).height, 0.27);
  assert.equal(moved(region, "Enter", false), null);
});
