// Signs as clips, takes of them, and the file of takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Sign } from "../../signkit/commands/live/page/js/signs.js";
import { handsInMiddle, nameOf, read, seconds, takeOf, written } from "../../signkit/commands/live/page/js/takes.js";

const GONE = { left: null, right: null };
const showing = (x) => ({ left: null, right: Float32Array.from({ length: 63 }, (_, i) => x + i) });

/** A sign of frames 40 ms apart: the x of the right hand, or null without one. */
function made(...places) {
  const sign = new Sign();
  for (const [i, x] of places.entries()) sign.add(i * 40, x === null ? GONE : showing(x));
  return sign;
}

test("a sign is what lies between the first hand and the last one", () => {
  const { clip } = made(null, null, 1, null, 3, null);
  assert.deepEqual(
    clip.map(({ time, right }) => [time, right?.[0] ?? null]),
    [
      [80, 1],
      [120, null],
      [160, 3],
    ],
  );
});

test("a sign ends when the hand is gone for half a second, or after four", () => {
  const sign = made(1, 2);
  assert.equal(sign.hasEnded(540, false), false);
  assert.equal(sign.hasEnded(541, false), true);
  assert.equal(sign.hasEnded(4000, true), false);
  assert.equal(sign.hasEnded(4001, true), true);
  assert.equal(made(null).hasEnded(9000, false), false);
});

test("a hand that is seen for less than 200 ms is on its way", () => {
  assert.equal(made(1, 1, 1, 1, 1, null).isLongEnough(), false);
  assert.equal(made(1, 1, 1, 1, 1, 1).isLongEnough(), true);
  assert.equal(made().isLongEnough(), false);
});

test("a take has the points of both hands 25 times a second, the left one first", () => {
  const sign = new Sign();
  for (const time of [0, 50, 80]) sign.add(time, showing(time));
  const take = takeOf("TREE", sign.clip);
  assert.deepEqual([take.name, take.frames, take.points.length, seconds(take)], ["TREE", 3, 3 * 42 * 3, "0.1"]);
  assert.ok(Number.isNaN(take.points[0]) && Number.isNaN(take.points[62]));
  assert.deepEqual(
    [0, 1, 2].map((n) => take.points[n * 126 + 63]),
    [0, 40, 80],
  );
});

test("a file gives back the takes to the last bit", () => {
  const takes = [takeOf("TREE", made(1, null, 5).clip), takeOf("thank you “so”", made(7).clip)];
  const text = written(takes);
  assert.equal(text.split("\n").length, 3);
  assert.deepEqual(read(text), takes);
  assert.deepEqual(read(""), []);
});

test("a line that is no take is named", () => {
  const line = written([takeOf("TREE", made(1).clip)]);
  const wrong = [line.slice(0, 200), line.replace("hands", "face"), line.replace(":25", ":30"), line.replace("TREE", "")];
  for (const each of wrong) {
    assert.throws(() => read(`${line}${each}`), { message: "Line 2 of the file is not a take" });
  }
});

test("names have single spaces", () => {
  assert.equal(nameOf("  thank \t you "), "thank you");
  assert.equal(nameOf("e\u0301"), "\u00e9");
});

test("the picture of a take shows the hands of its middle, in the middle of a square", () => {
  const { left, right } = handsInMiddle(takeOf("TREE", made(1, 2, 3, null, null).clip), 100);
  assert.equal(left, null);
  const x = right.filter((_, i) => i % 3 === 0);
  assert.deepEqual([Math.min(...x), Math.max(...x)].map(Math.round), [10, 90]);
});
