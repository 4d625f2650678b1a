// Frames of hands on standard input, as JSON: what a model of signs is given of them, and their take as a file.
import { HandReader } from "../../signkit/commands/live/page/js/reader.js";
import { Sign } from "../../signkit/commands/live/page/js/signs.js";
import { takeOf, written } from "../../signkit/commands/live/page/js/takes.js";
import { HAND, SIDES } from "../../signkit/commands/live/page/js/points.js";

let text = "";
for await (const part of process.stdin) text += part;
const frames = JSON.parse(text).map(({ time, left, right }) => ({
  time,
  left: left && Float32Array.from(left),
  right: right && Float32Array.from(right),
}));
const places = SIDES.flatMap((side) => HAND.map((_, index) => ({ side, index })));
let given = null;
const run = async (points) => {
  given = points;
  return new Float32Array(2);
};
const model = { symbols: ["TREE", "SUN"], signs: true, temperature: 1, places, width: 3, fps: 25, run };
const reader = new HandReader(model);
const sign = new Sign();
for (const { time, ...hands } of frames) {
  await reader.read(time, hands);
  sign.add(time, hands);
}
const shown = Array.from(given, (value) => (Number.isNaN(value) ? null : value));
process.stdout.write(JSON.stringify({ given: shown, file: written([takeOf("TREE", sign.clip)]) }));
