// From hands to the input of a model.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clipOf,
  HAND,
  handsOf,
  longestSeen,
  placesOf,
  resampled,
  Window,
} from "../../signkit/commands/live/page/js/points.js";

/** A hand whose numbers are `first`, `first + 1`, … */
const hand = (first) => Float32Array.from({ length: 63 }, (_, i) => first + i);

/** What MediaPipe gives of hands `[label, score, x of all points]`; a point's y is its index. */
const results = (...hands) => ({
  multiHandedness: hands.map(([label, score]) => ({ label, score })),
  multiHandLandmarks: hands.map(([, , x]) => HAND.map((_, i) => ({ x, y: i / 100, z: 0.5 }))),
});

test("a layout's points are found by their names", () => {
  assert.equal(HAND.length, 21);
  assert.deepEqual(placesOf(["wrist", "pinky_tip"]), [
    { side: "either", index: 0 },
    { side: "either", index: 20 },
  ]);
  assert.deepEqual(placesOf(["right_hand_thumb_tip"]), [{ side: "right", index: 4 }]);
  assert.equal(placesOf(["left_hand_wrist", "nose"]), null);
});

test("MediaPipe's Right is the signer's left hand, and points are in pixels", () => {
  const { left, right } = handsOf(results(["Right", 0.9, 0.25]), 640, 480);
  assert.equal(right, null);
  assert.deepEqual([...left.slice(3, 6)], [160, Math.fround(4.8), 320]);
});

test("of two hands of one name the surer one keeps it", () => {
  const { left, right } = handsOf(results(["Left", 0.8, 0.25], ["Left", 0.9, 0.75]), 100, 100);
  assert.equal(right[0], 75);
  assert.equal(left[0], 25);
});

test("one hand that was found twice is one hand", () => {
  const { left, right } = handsOf(results(["Left", 0.8, 0.25], ["Right", 0.9, 0.26]), 100, 100);
  assert.equal(left[0], 26);
  assert.equal(right, null);
});

test("no hand", () => {
  assert.deepEqual(handsOf({}, 100, 100), { left: null, right: null });
});

test("the hand that is seen in more frames is taken; another label is the same hand if they never meet", () => {
  const [a, b, c] = [hand(0), hand(1), hand(2)];
  const alone = [{ left: a }, { right: b }, { right: c }];
  assert.deepEqual(longestSeen(alone), [a, b, c]);
  const together = [{ left: a, right: b }, { left: c }, {}];
  assert.deepEqual(longestSeen(together), [a, c, null]);
});

test("frames are put at the model's rate, between the two nearest", () => {
  const found = resampled([hand(0), hand(10)], [0, 100], 25);
  assert.deepEqual(
    found.map((each) => each[0]),
    [0, 4, 8],
  );
  assert.deepEqual(resampled([hand(3)], [50], 25)[0], hand(3));
  assert.deepEqual(resampled([], [], 25), []);
});

test("next to a frame without a hand the nearer frame is taken", () => {
  const found = resampled([hand(0), null], [0, 100], 25);
  assert.deepEqual(
    found.map((each) => each?.[0]),
    [0, 0, undefined],
  );
});

test("a clip has the points of a layout, NaN where there is no hand", () => {
  const frames = [
    { time: 0, left: hand(0), right: null },
    { time: 40, left: hand(0), right: hand(100) },
  ];
  const places = placesOf(["left_hand_wrist", "right_hand_thumb_cmc"]);
  const { points, frames: count } = clipOf(frames, places, 2, 25);
  assert.equal(count, 2);
  assert.deepEqual([...points], [0, 1, Number.NaN, Number.NaN, 0, 1, 103, 104]);
});

test("a window holds the last frames and no more", () => {
  const window = new Window(100);
  for (const time of [0, 50, 100, 120]) window.add(time, { left: null, right: null });
  assert.deepEqual(
    window.frames.map((frame) => frame.time),
    [50, 100, 120],
  );
  assert.equal(window.isFull(150), false);
  assert.equal(window.isFull(151), true);
  window.clear();
  assert.equal(window.isFull(151), false);
});
