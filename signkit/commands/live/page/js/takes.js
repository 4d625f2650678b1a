// Takes of signs, and the file of them that signkit reads: JSON, a take a line (signkit/data/corpora/takes.py).
import { clipOf, HAND, SIDES } from "./points.js";

export const WANTED = 5; // takes of a sign
const FPS = 25; // of takes, and so of models that learn from them
const LAYOUT = "hands"; // all points of the left hand, then those of the right one
const PLACES = SIDES.flatMap((side) => HAND.map((_, index) => ({ side, index })));
const SHARE = 8192; // bytes that are written at once

/** A take of the frames of a sign: `{name, frames, points}`, as a model of signs is given them. */
export function takeOf(name, clip) {
  return { name, ...clipOf(clip, PLACES, 3, FPS) };
}

/** The name of a sign as it is kept: single spaces, none at its ends. */
export function nameOf(text) {
  return text.normalize("NFC").trim().replace(/\s+/gu, " ");
}

/** The text of a file. */
export function written(takes) {
  return takes
    .map(({ name, frames, points }) => {
      const array = { dtype: "float32", shape: [frames, PLACES.length, 3], base64: base64(points) };
      return `${JSON.stringify({ gloss: name, fps: FPS, layout: LAYOUT, points: array })}\n`;
    })
    .join("");
}

/** The takes of a file; an Error says which line is none. */
export function read(text) {
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      const { gloss, fps, layout, points } = JSON.parse(line);
      const array = new Float32Array(Uint8Array.from(atob(points.base64), (c) => c.charCodeAt(0)).buffer);
      const frames = array.length / (3 * PLACES.length);
      const name = nameOf(gloss);
      if (!name || fps !== FPS || layout !== LAYOUT || !Number.isInteger(frames) || frames < 1) throw new Error();
      return [{ name, frames, points: array }];
    } catch {
      throw new Error(`Line ${i + 1} of the file is not a take`);
    }
  });
}

/** How long a take is, in seconds. */
export function seconds(take) {
  return (take.frames / FPS).toFixed(1);
}

/** The hands `{left, right}` of the frame in the middle of a take, in a square of this size; null if not there. */
export function handsInMiddle({ frames, points }, size) {
  const length = HAND.length * 3;
  const sides = (n) => [0, 1].map((i) => points.subarray((2 * n + i) * length, (2 * n + i + 1) * length));
  const order = Array.from({ length: frames }, (_, n) => n).sort(
    (a, b) => Math.abs(a - frames / 2) - Math.abs(b - frames / 2),
  );
  const found = sides(order.find((n) => sides(n).some((hand) => !Number.isNaN(hand[0]))) ?? 0);
  const seen = found.filter((hand) => !Number.isNaN(hand[0]));
  const along = (axis) => seen.flatMap((hand) => Array.from(hand).filter((_, i) => i % 3 === axis));
  const [x, y] = [along(0), along(1)];
  const [left, top] = [Math.min(...x), Math.min(...y)];
  const [width, height] = [Math.max(...x) - left, Math.max(...y) - top];
  const scale = (0.8 * size) / Math.max(width, height, 1);
  const moves = [(size - scale * width) / 2 - scale * left, (size - scale * height) / 2 - scale * top, 0];
  const placed = (hand) => hand.map((value, i) => value * scale + moves[i % 3]);
  return Object.fromEntries(SIDES.map((side, i) => [side, seen.includes(found[i]) ? placed(found[i]) : null]));
}

function base64(points) {
  const bytes = new Uint8Array(points.buffer, points.byteOffset, points.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += SHARE) text += String.fromCharCode(...bytes.subarray(i, i + SHARE));
  return btoa(text);
}
