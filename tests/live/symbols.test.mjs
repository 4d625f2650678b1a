// What becomes of a model's numbers, in node: node --test tests/live/
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  areLetters,
  erased,
  greedy,
  Hold,
  softmax,
  spaced,
  top,
  typed,
} from "../../signkit/commands/live/page/js/symbols.js";

const close = (found, expected) => {
  assert.equal(found.length, expected.length);
  found.forEach((x, i) => {
    assert.ok(Math.abs(x - expected[i]) < 1e-12, `${found} is not ${expected}`);
  });
};

test("softmax of log-probabilities gives the probabilities", () => {
  const shares = [0.7, 0.2, 0.1];
  close(softmax(shares.map(Math.log)), shares);
});

test("softmax depends on differences alone, and large numbers are no trouble", () => {
  close(softmax([1000, 1000 + Math.log(3)]), [0.25, 0.75]);
});

test("a temperature of 2 takes the square roots of the odds", () => {
  close(softmax([Math.log(9), 0], 2), [0.75, 0.25]);
});

test("top gives the likeliest first and keeps the order of equal ones", () => {
  assert.deepEqual(top([0.1, 0.4, 0.1, 0.4], ["a", "b", "c", "d"], 3), [
    { symbol: "b", share: 0.4 },
    { symbol: "d", share: 0.4 },
    { symbol: "a", share: 0.1 },
  ]);
});

test("greedy merges repetitions and leaves blanks out", () => {
  const symbols = ["<blank>", "A", "B"];
  const path = (...best) => Float32Array.from(best.flatMap((k) => symbols.map((_, i) => (i === k ? 0 : -9))));
  assert.deepEqual(greedy(path(0, 1, 1, 0, 1, 2, 2, 0), symbols, 0), ["A", "A", "B"]);
  assert.deepEqual(greedy(path(0, 0), symbols, 0), []);
  assert.deepEqual(greedy(path(1, 0, 2), symbols, 1), ["<blank>", "B"]);
  assert.deepEqual(greedy(new Float32Array(), symbols, 0), []);
});

const seen = (symbol, share = 0.9) => ({ symbol, share });

test("a letter is typed once it has been held, and once only", () => {
  const hold = new Hold(0.7, 800);
  const found = [0, 400, 799, 800, 900, 5000].map((now) => hold.update(seen("A"), now));
  assert.deepEqual(found, [null, null, null, "A", null, null]);
});

test("another letter, and one below the threshold, begin anew", () => {
  const hold = new Hold(0.7, 800, 250);
  hold.update(seen("A"), 0);
  assert.equal(hold.update(seen("B"), 700), null);
  assert.equal(hold.update(seen("B"), 1499), null);
  assert.equal(hold.update(seen("B"), 1500), "B");
  assert.equal(hold.update(seen("A", 0.69), 3000), null);
  assert.equal(hold.update(seen("A", 0.7), 4000), null);
  assert.equal(hold.update(seen("A", 0.7), 4800), "A");
});

test("a letter may flicker for less than the pause", () => {
  const hold = new Hold(0.7, 800, 250);
  hold.update(seen("A"), 0);
  hold.update(null, 200);
  hold.update(seen("A"), 300);
  assert.equal(hold.update(seen("A"), 800), "A");
});

test("the same letter is typed twice if it was gone between", () => {
  const hold = new Hold(0.7, 800, 250);
  hold.update(seen("L"), 0);
  assert.equal(hold.update(seen("L"), 800), "L");
  hold.update(null, 900);
  assert.equal(hold.update(seen("L"), 1000), null); // not gone for long enough
  assert.equal(hold.update(seen("L"), 2000), null);
  hold.update(null, 2300);
  hold.update(seen("L"), 2400);
  assert.equal(hold.update(seen("L"), 3200), "L");
});

test("progress goes from 0 to 1", () => {
  const hold = new Hold(0.7, 800);
  assert.equal(hold.progress(), 0);
  hold.update(seen("A"), 100);
  hold.update(seen("A"), 500);
  assert.equal(hold.progress(), 0.5);
  hold.update(seen("A"), 2000);
  assert.equal(hold.progress(), 1);
});

test("letters are joined, words set apart", () => {
  assert.equal(areLetters(["A", "Ж", "🤟"]), true);
  assert.equal(areLetters(["A", "HELLO"]), false);
  assert.equal(typed("HEL", "L", true), "HELL");
  assert.equal(typed("HELLO", "WORLD", false), "HELLO WORLD");
  assert.equal(typed("HELLO ", "WORLD", false), "HELLO WORLD");
  assert.equal(typed("", "WORLD", false), "WORLD");
});

test("a space is put behind a word once", () => {
  assert.equal(spaced("HELLO"), "HELLO ");
  assert.equal(spaced("HELLO "), "HELLO ");
  assert.equal(spaced(""), "");
});

test("delete takes a character, or a word", () => {
  assert.equal(erased("AB", true), "A");
  assert.equal(erased("A🤟", true), "A");
  assert.equal(erased("", true), "");
  assert.equal(erased("HELLO WORLD ", false), "HELLO ");
});
