// Frames of hands read by models whose answers are known.
import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf } from "../../signkit/commands/live/page/js/points.js";
import { Prior } from "../../signkit/commands/live/page/js/prior.js";
import { HandReader, ImageReader } from "../../signkit/commands/live/page/js/reader.js";
import { Hold } from "../../signkit/commands/live/page/js/symbols.js";

const HAND = new Float32Array(63);
const THERE = { left: HAND, right: null };
const GONE = { left: null, right: null };
const one = (symbols, i) => Float32Array.from(symbols, (_, j) => (j === i ? 0 : -20));

/** A classifier that says what `answer` is; `asked` has the shapes of its inputs. */
function classifier() {
  const symbols = ["A", "B", "C"];
  const model = { symbols, ctc: false, temperature: 1, places: placesOf(["wrist"]), width: 3, fps: 25, asked: [] };
  model.answer = 0;
  model.run = async (_, shape) => {
    model.asked.push(shape);
    return one(symbols, model.answer);
  };
  return model;
}

test("a classifier reads the last frames, and a letter that is held is typed", async () => {
  const model = classifier();
  const reader = new HandReader(model);
  const found = [];
  for (let time = 0; time <= 2000; time += 40) found.push((await reader.read(time, THERE)).typed);
  assert.deepEqual(found.flat(), ["A"]);
  assert.equal(found.findIndex((typed) => typed.length), 20); // after 800 ms
  assert.deepEqual(model.asked[0], [1, 1, 1, 3]);
  assert.deepEqual(model.asked.at(-1), [1, 21, 1, 3]); // 800 ms at 25 frames a second
});

test("without a hand nothing is read, and the next hand begins a new clip", async () => {
  const model = classifier();
  const reader = new HandReader(model);
  await reader.read(0, THERE);
  assert.equal((await reader.read(200, GONE)).best[0].symbol, "A"); // it flickers
  assert.deepEqual(await reader.read(400, GONE), { best: [], typed: [], partial: [], ended: false });
  await reader.read(440, THERE);
  assert.deepEqual(model.asked.at(-1), [1, 1, 1, 3]);
});

/** A language in which B follows A, and A all else; by the length of the text it is asked of. */
function alternating(asked) {
  const row = (last) => (last === "A" ? [-9, 0, -9] : [0, -9, -9]);
  const stateOf = (text) => {
    asked.push(text);
    return text.at(-1) ?? "";
  };
  return { start: "", row, stateOf };
}

test("a letter that was typed is not taken for the next one while it is shown", async () => {
  const model = classifier();
  model.run = async () => new Float32Array(3); // it cannot tell: the text decides
  let text = "";
  const asked = [];
  const prior = new Prior(alternating(asked), () => text);
  prior.weight = 1;
  const reader = new HandReader(model, new Hold(), prior);
  const found = [];
  for (let time = 0; time <= 4000; time += 40) {
    const { typed } = await reader.read(time, time > 2000 && time < 2800 ? GONE : THERE);
    text += typed.join("");
    found.push(...typed.map((symbol) => [time, symbol]));
  }
  assert.deepEqual(found, [
    [800, "A"],
    [3600, "B"],
  ]);
  assert.deepEqual([...new Set(asked)], ["", "A"]);
});

/** A recogniser whose best symbol of each frame is what the x of the wrist says. */
function recogniser() {
  const symbols = ["<blank>", "A", "B"];
  const run = async (points, [, frames]) => {
    const best = Array.from({ length: frames }, (_, n) => points[2 * n] || 0);
    return Float32Array.from(best.flatMap((i) => [...one(symbols, Math.round(i))]));
  };
  return { symbols, ctc: true, blank: 0, temperature: 1, places: placesOf(["wrist"]), width: 2, fps: 25, run };
}

const showing = (x) => ({ left: null, right: Float32Array.from({ length: 63 }, () => x) });

test("a recogniser shows what it has read so far, and types a word when the hand is gone", async () => {
  const reader = new HandReader(recogniser());
  let time = 0;
  const read = (hands) => {
    time += 40;
    return reader.read(time, hands);
  };
  for (const x of [1, 1, 0, 1]) await read(showing(x));
  assert.deepEqual((await read(showing(2))).partial, ["A", "A", "B"]);
  time += 1000;
  const { typed, ended, partial } = await read(GONE);
  assert.deepEqual([typed, ended, partial], [["A", "A", "B"], true, []]);
  assert.deepEqual((await read(GONE)).typed, []);
});

test("what fills the window is typed without an end, and the next letters follow", async () => {
  const reader = new HandReader(recogniser());
  await reader.read(0, showing(1));
  const { typed, ended } = await reader.read(12001, showing(2));
  assert.deepEqual([typed, ended], [["A"], false]);
  assert.deepEqual(reader.partial, ["B"]);
});

test("a sign is typed when the hands have left, of all frames from the first hand to the last", async () => {
  const model = { ...classifier(), symbols: ["TREE", "SUN"], signs: true };
  const shapes = [];
  model.run = async (_, shape) => {
    shapes.push(shape[1]);
    return one(model.symbols, 1);
  };
  const reader = new HandReader(model);
  const typed = [];
  for (let time = 0; time <= 2000; time += 40) {
    const reading = await reader.read(time, time >= 200 && time <= 1200 ? THERE : GONE);
    typed.push(...reading.typed.map((symbol) => [time, symbol]));
  }
  assert.deepEqual(typed, [[1720, "SUN"]]);
  assert.deepEqual([shapes.length, shapes.at(-1)], [26, 26]);
  assert.equal(reader.best[0].symbol, "SUN"); // is shown until the next sign begins
});

test("a sign is not typed if it is not sure, nor if it was too short; a video's last one is", async () => {
  const model = { ...classifier(), symbols: ["TREE", "SUN"], signs: true };
  const reader = new HandReader(model);
  const typedOf = async (from, milliseconds) => {
    for (let time = from; time <= from + milliseconds; time += 40) await reader.read(time, THERE);
    return (await reader.read(from + milliseconds + 600, GONE)).typed;
  };
  model.run = async () => new Float32Array(2);
  assert.deepEqual(await typedOf(0, 1000), []);
  model.run = async () => one(model.symbols, 0);
  assert.deepEqual(await typedOf(3000, 160), []);
  assert.deepEqual(await typedOf(6000, 200), ["TREE"]);
  for (let time = 9000; time <= 10000; time += 40) await reader.read(time, THERE);
  assert.deepEqual((await reader.end()).typed, ["TREE"]);
  assert.deepEqual((await reader.end()).typed, []);
});

test("what a recogniser has read is typed at the end of a video", async () => {
  const reader = new HandReader(recogniser());
  await reader.read(0, showing(1));
  assert.deepEqual((await reader.end()).typed, ["A"]);
  assert.deepEqual((await reader.end()).typed, []);
});

test("an image model reads pictures by themselves", async () => {
  const model = classifier();
  const reader = new ImageReader(model);
  model.answer = 2;
  const { best } = await reader.read(0, new Uint8Array(2 * 3 * 3), 3, 2);
  assert.equal(best[0].symbol, "C");
  assert.deepEqual(model.asked, [[2, 3, 3]]);
});
