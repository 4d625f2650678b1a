// The exported model in onnxruntime-web, on one thread of WebAssembly: no server needs special headers for it.
import * as ort from "../vendor/ort/ort.js";
import { placesOf } from "./points.js";
import { areLetters } from "./symbols.js";

const KINDS = { landmarks: "points", image: "image" };

/** The folder's model.json and the page, or model.onnx, do not match; the message says why. */
export class Mismatch extends Error {}

/** What model.json says, checked. */
export function describe(described) {
  const { input = {}, outputs = {} } = described;
  if (!(input.kind in KINDS)) throw new Mismatch(`the model reads ${input.kind ?? "something unknown"}`);
  const [name] = Object.keys(outputs);
  if (!name) throw new Mismatch("model.json names no output");
  const places = input.kind === "landmarks" ? placesOf(input.points ?? []) : null;
  if (input.kind === "landmarks" && !places?.length) {
    const layout = input.layout ?? "unknown";
    throw new Mismatch(`the model reads points of the layout “${layout}”, and the page tracks hands alone`);
  }
  const letters = described.unit ? described.unit !== "gloss" : areLetters(outputs[name]);
  const ctc = name === "log_probabilities";
  return {
    kind: input.kind,
    feed: KINDS[input.kind],
    places,
    width: input.width ?? 3,
    output: name,
    symbols: outputs[name].map((symbol) => symbol.replaceAll("▁", " ")), // of subwords, a word's beginning
    letters,
    ctc,
    signs: input.kind === "landmarks" && !letters && !ctc, // each is a clip of its own
    blank: described.blank ?? 0,
    fps: described.fps || 25,
    temperature: described.temperature || 1,
    name: described.name ?? "",
  };
}

/** The model ready to run. `bytes` is model.onnx, `wasm` the runtime. */
export async function openModel(described, bytes, wasm) {
  const vendor = new URL("../vendor/ort/", import.meta.url).href;
  Object.assign(ort.env.wasm, {
    numThreads: 1,
    wasmBinary: wasm,
    wasmPaths: { mjs: `${vendor}ort-wasm.js`, wasm: `${vendor}ort-wasm.wasm` },
  });
  ort.env.logLevel = "error";
  const model = describe(described);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  if (!session.inputNames.includes(model.feed) || !session.outputNames.includes(model.output)) {
    const has = `${session.inputNames} → ${session.outputNames}`;
    throw new Mismatch(`model.json says ${model.feed} → ${model.output}, and model.onnx has ${has}`);
  }
  return { ...model, run: (data, shape) => run(session, model, data, shape) };
}

/** Log-probabilities of the first output, [symbols] or [chunks * symbols]. */
async function run(session, model, data, shape) {
  const type = data instanceof Uint8Array ? "uint8" : "float32";
  const input = new ort.Tensor(type, data, shape);
  const outputs = await session.run({ [model.feed]: input }, [model.output]);
  const found = outputs[model.output];
  const logits = Float32Array.from(found.data);
  found.dispose(); // else memory grows with each frame
  input.dispose();
  if (found.dims[found.dims.length - 1] !== model.symbols.length) {
    const columns = found.dims[found.dims.length - 1];
    throw new Mismatch(`model.json names ${model.symbols.length} symbols, and model.onnx has ${columns}`);
  }
  return logits;
}
