// MediaPipe's hands: from a picture to the points of the signer's hands.
import { handsOf } from "./points.js";

const TRIMMED = 10; // frames: with many more, the browser makes a full table of it again
const FOLDER = new URL("../vendor/hands/", import.meta.url).href;

/**
 * What there is of WebGL, with which MediaPipe works: "none" (it would stop with an alert), "software" without a
 * graphics processor, or "hardware".
 */
export function webGl() {
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) return "none";
  const about = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = context.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  context.getExtension("WEBGL_lose_context")?.loseContext(); // browsers keep few of them
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer) ? "software" : "hardware";
}

/** Start it, and track an empty picture: the first one takes longest. `onCpu`: compute without WebGL. */
export async function createTracker(onCpu) {
  await script(`${FOLDER}hands.js`);
  const graph = new globalThis.Hands({ locateFile: (file) => FOLDER + file });
  graph.setOptions({ modelComplexity: 1, maxNumHands: 2, selfieMode: false });
  if (onCpu) graph.setOptions({ useCpuInference: true });
  let results = {};
  graph.onResults((found) => {
    results = found;
  });
  let frames = 0;
  const track = async (picture, width, height) => {
    await graph.send({ image: picture });
    frames += 1;
    if (frames % TRIMMED === 0) trim(graph.h?.i?.GL); // names of the release that package.json pins
    return handsOf(results, width, height);
  };
  const empty = document.createElement("canvas");
  empty.width = empty.height = 64;
  empty.getContext("2d").fillRect(0, 0, 64, 64);
  await track(empty, 64, 64);
  return { track, reset: () => graph.reset() };
}

/**
 * Free the empty places of MediaPipe's tables of WebGL objects. Their numbers only grow, and each object that is
 * gone leaves a null in every table: 0.3 KB a frame.
 */
function trim(tables) {
  for (const table of [tables?.textures, tables?.framebuffers, tables?.syncs]) {
    for (const place in table) if (table[place] === null) delete table[place];
  }
}

function script(source) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = source;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${source} cannot be loaded`));
    document.head.append(element);
  });
}
