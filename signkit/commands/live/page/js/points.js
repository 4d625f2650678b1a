// From a tracker's hands to the points that a model reads: places in pixels, NaN where nothing was seen.

/** MediaPipe's points of a hand, in its order; a layout names them with `left_hand_` or `right_hand_`, or bare. */
export const HAND = [
  "wrist",
  ...["thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"],
  ...["index", "middle", "ring", "pinky"].flatMap((finger) =>
    ["mcp", "pip", "dip", "tip"].map((joint) => `${finger}_${joint}`),
  ),
];
/** The signer's own, in the order of the layouts. */
export const SIDES = ["left", "right"];
const PALM = HAND.indexOf("middle_mcp"); // its root: from the wrist there it is as long as the palm

/**
 * Where the points of a layout come from: `{side, index}` each, with the side "either" of a layout of one hand.
 * Null if the layout has points of which a hand tracker knows nothing.
 */
export function placesOf(names) {
  const places = names.map((name) => {
    const side = SIDES.find((each) => name.startsWith(`${each}_hand_`));
    const index = HAND.indexOf(side ? name.slice(side.length + "_hand_".length) : name);
    return index < 0 ? null : { side: side ?? "either", index };
  });
  return places.includes(null) ? null : places;
}

/**
 * The signer's hands of a result of MediaPipe: `{left, right}`, Float32Array [21 * 3] in pixels or null. It takes
 * every picture for a mirrored one, so its "Right" is the left hand. Of two hands that have one name, the surer
 * one keeps it; of one hand that was found twice, the surer one is taken.
 */
export function handsOf(results, width, height) {
  const found = (results.multiHandLandmarks ?? []).map((points, i) => ({
    hand: Float32Array.from(points.flatMap((p) => [p.x * width, p.y * height, p.z * width])),
    ...results.multiHandedness[i],
  }));
  found.sort((a, b) => b.score - a.score);
  const [first, second] = found;
  const hands = { left: null, right: null };
  if (!first) return hands;
  const side = first.label === "Right" ? "left" : "right";
  hands[side] = first.hand;
  if (second && !areOne(first.hand, second.hand)) hands[side === "left" ? "right" : "left"] = second.hand;
  return hands;
}

/** Whether two hands are in one place: their points are apart by less than a quarter of the palm. */
function areOne(a, b) {
  const apart = (one, i, other, j) => Math.hypot(one[3 * i] - other[3 * j], one[3 * i + 1] - other[3 * j + 1]);
  const way = HAND.reduce((sum, _, i) => sum + apart(a, i, b, i), 0) / HAND.length;
  return way < apart(a, 0, a, PALM) / 4;
}

/**
 * Of frames `{time, left, right}` the hand that is seen in more of them, an array or null for each frame. Trackers
 * take a hand for the left one in some frames and for the right one in others: where it is not seen the other one
 * is taken, if both are never seen together.
 */
export function longestSeen(frames) {
  const count = (side) => frames.filter((frame) => frame[side]).length;
  const [first, second] = count("right") > count("left") ? ["right", "left"] : ["left", "right"];
  const together = frames.some((frame) => frame.left && frame.right);
  return frames.map((frame) => frame[first] ?? (together ? null : frame[second]));
}

/** A hand between two frames, `share` of the way; the nearer one where one is not there. */
function between(a, b, share) {
  if (!a || !b) return share < 0.5 ? a : b;
  return a.map((value, i) => value + (b[i] - value) * share);
}

/** Hands of frames at `times` (milliseconds, rising) at `fps` frames a second from the first to the last one. */
export function resampled(hands, times, fps) {
  if (times.length === 0) return [];
  const step = 1000 / fps;
  const count = Math.floor((times[times.length - 1] - times[0]) / step + 1e-6) + 1;
  const found = [];
  for (let n = 0, i = 0; n < count; n++) {
    const time = times[0] + n * step;
    while (i + 1 < times.length - 1 && times[i + 1] <= time) i++;
    const j = Math.min(i + 1, times.length - 1);
    const apart = times[j] - times[i];
    found.push(between(hands[i], hands[j], apart > 0 ? Math.min(1, (time - times[i]) / apart) : 0));
  }
  return found;
}

/**
 * The input of a model [frames * places.length * width] of frames of a window.
 * `width` is 2 or 3, `fps` the rate at which the model was trained.
 */
export function clipOf(frames, places, width, fps) {
  const times = frames.map((frame) => frame.time);
  const hands = {};
  for (const side of new Set(places.map((place) => place.side))) {
    const seen = side === "either" ? longestSeen(frames) : frames.map((frame) => frame[side]);
    hands[side] = resampled(seen, times, fps);
  }
  const count = Object.values(hands)[0].length;
  const points = new Float32Array(count * places.length * width).fill(Number.NaN);
  let at = 0;
  for (let n = 0; n < count; n++) {
    for (const { side, index } of places) {
      const hand = hands[side][n];
      if (hand) points.set(hand.subarray(index * 3, index * 3 + width), at);
      at += width;
    }
  }
  return { points, frames: count };
}

/** The frames of the last so many milliseconds. */
export class Window {
  constructor(milliseconds) {
    this.milliseconds = milliseconds;
    this.clear();
  }

  clear() {
    this.frames = [];
  }

  add(time, hands) {
    this.frames.push({ time, ...hands });
    while (time - this.frames[0].time > this.milliseconds) this.frames.shift();
  }

  /** Whether a frame of this time would be the first that pushes another one out. */
  isFull(time) {
    return this.frames.length > 0 && time - this.frames[0].time > this.milliseconds;
  }
}
