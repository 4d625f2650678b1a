// Copies what the page loads from node_modules into signkit/commands/live/page/vendor, with its licences.
// Scripts end in .js there, which every static host serves as JavaScript.
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../signkit/commands/live/page/vendor");
const modules = join(here, "node_modules");
const hands = "@mediapipe/hands";
const ort = "onnxruntime-web/dist";

const files = {
  "ort/ort.js": `${ort}/ort.wasm.min.mjs`,
  "ort/ort-wasm.js": `${ort}/ort-wasm-simd-threaded.mjs`,
  "ort/ort-wasm.wasm": `${ort}/ort-wasm-simd-threaded.wasm`,
  "hands/hands.js": `${hands}/hands.js`,
  "hands/hands.binarypb": `${hands}/hands.binarypb`,
  "hands/hand_landmark_full.tflite": `${hands}/hand_landmark_full.tflite`,
  "hands/hands_solution_packed_assets.data": `${hands}/hands_solution_packed_assets.data`,
  "hands/hands_solution_packed_assets_loader.js": `${hands}/hands_solution_packed_assets_loader.js`,
  "hands/hands_solution_simd_wasm_bin.js": `${hands}/hands_solution_simd_wasm_bin.js`,
  "hands/hands_solution_simd_wasm_bin.wasm": `${hands}/hands_solution_simd_wasm_bin.wasm`,
};

const aside = `${target}.part`; // so that a copy that was interrupted is never taken for a whole one
await rm(aside, { recursive: true, force: true });
for (const [name, source] of Object.entries(files)) {
  await mkdir(dirname(join(aside, name)), { recursive: true });
  await copyFile(join(modules, source), join(aside, name));
}
await copyFile(join(here, "licences/onnxruntime-web.txt"), join(aside, "ort/LICENSE.txt"));
await copyFile(join(here, "../LICENSE"), join(aside, "hands/LICENSE.txt"));
await writeFile(
  join(aside, "hands/NOTICE.txt"),
  "@mediapipe/hands: Copyright The MediaPipe Authors, Apache License 2.0 (LICENSE.txt); unchanged.\n" +
    "hands.js holds code of the Closure Library: Copyright The Closure Library Authors, Apache-2.0.\n",
);
await rm(target, { recursive: true, force: true });
await rename(aside, target);
