// The page: what is shown, and what its buttons do.
import { Bars } from "./bars.js";
import { CameraError, cameras, close, eachFrame, openCamera, openFile } from "./camera.js";
import { fetchAll } from "./loading.js";
import { Language } from "./language.js";
import { describe, Mismatch, openModel } from "./model.js";
import { draw } from "./overlay.js";
import { Prior } from "./prior.js";
import { HandReader, ImageReader } from "./reader.js";
import { Region } from "./region.js";
import { STATES } from "./states.js";
import { erased, Hold, spaced, typed } from "./symbols.js";
import { Teaching } from "./teaching.js";
import { createTracker, webGl } from "./tracker.js";
import { completed, lastWord, readLexicon, suggestions } from "./words.js";

const at = (id) => document.getElementById(id);
const video = at("video");
const text = at("text");
const NO_HANDS = { left: null, right: null };
const NOTHING = { best: [], typed: [], partial: [], ended: false };
const SETTLED = 500; // milliseconds for which what is in view has to stay the same before it is announced
const PAUSE = 2000; // without a hand: a space
const MOST_WORDS = 3; // that are suggested

let reader = null;
let tracker = null;
let region = null;
let teaching = null;
let lexicon = [];
let prior = null; // of letters, by the language model
let running = null; // the AbortController of what is shown

// --- states

const TROUBLE = "refused absent busy lost insecure failed unreadable webgl mismatch broken".split(" ");
let state = "";

function tell(name, ...about) {
  const sentence = STATES[name](...about);
  state = name;
  document.body.dataset.state = name;
  if (at("status").textContent === sentence) return;
  at("status").textContent = sentence;
  at("status").classList.toggle("trouble", TROUBLE.includes(name));
}

/** Announce what is in view once it has been so for a while: hands flicker. */
const settle = { name: "", since: 0 };
function tellOfView(name, now) {
  if (settle.name !== name) Object.assign(settle, { name, since: now });
  if (state !== name && (now - settle.since >= SETTLED || state === "starting")) tell(name);
}

function fail(error) {
  stop();
  at("start").disabled = true;
  if (error instanceof Mismatch) tell("mismatch", error.message);
  else tell("broken", error.message);
}

// --- loading

async function load() {
  const [described, sizes] = await Promise.all(["model/model.json", "files.json"].map(json));
  const model = describe(described);
  const graphics = webGl();
  if (model.kind === "landmarks" && graphics === "none") return tell("webgl");
  const wanted = Object.entries(sizes).filter(([name]) => model.places || !name.startsWith("vendor/hands/"));
  const buffers = await fetchAll(Object.fromEntries(wanted), (done, all) => tell("loading", done, all));
  tell("starting");
  const opened = await openModel(described, buffers["model/model.onnx"], buffers["vendor/ort/ort-wasm.wasm"]);
  const written = (name) => name in buffers && new TextDecoder().decode(buffers[name]);
  lexicon = readLexicon(written("model/lexicon.txt") || "");
  const language = written("model/language.json");
  if (language && opened.letters) prior = new Prior(new Language(JSON.parse(language), opened.symbols), () => text.value);
  at("language").hidden = !prior;
  if (opened.places) {
    tracker = await createTracker(graphics === "software");
    reader = new HandReader(opened, new Hold(), prior);
    teaching = new Teaching(() => running ?? startCamera());
    at("teaching").hidden = false;
  } else {
    reader = new ImageReader(opened, new Hold(), prior);
    region = new Region(at("stage"), at("region"), () => at("stage").classList.contains("mirrored"));
    at("region").hidden = at("whole").hidden = false;
  }
  at("model").textContent = opened.name;
  at("symbol").classList.toggle("words", !reader.model.letters);
  const isHeld = !opened.ctc && !opened.signs;
  at("threshold").parentElement.hidden = opened.ctc;
  at("hold").parentElement.hidden = at("held").hidden = !isHeld;
  at("pause").parentElement.hidden = region !== null || !reader.model.letters || opened.ctc;
  at("start").disabled = false;
  tell("ready");
}

async function json(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} cannot be loaded (${answer.status})`);
  return answer.json();
}

// --- camera and files

async function start(open, isCamera) {
  if (!reader) return;
  stop();
  const now = new AbortController();
  running = now;
  reader.reset();
  tracker?.reset();
  at("stage").classList.toggle("mirrored", isCamera && at("mirrored").checked);
  const focused = document.activeElement === at("start");
  at("stop").hidden = false;
  at("start").hidden = true;
  if (focused) at("stop").focus();
  try {
    await open(now.signal);
    if (now.signal.aborted) return;
    at("hint").hidden = true;
    at("stage").style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
    tell("starting");
    await eachFrame(video, now.signal, frame);
    if (!now.signal.aborted) {
      type(await reader.end());
      stop();
      tell("ended");
    }
  } catch (error) {
    if (now.signal.aborted) return;
    if (!(error instanceof CameraError)) return fail(error);
    stop();
    tell(error.state, error.message);
  }
}

function startCamera() {
  tell("asking");
  return start(async (signal) => {
    await openCamera(video, at("device").value, signal, () => {
      stop();
      tell("lost");
    });
    const found = await cameras();
    const chosen = at("device").value;
    at("device").replaceChildren(...found.map(({ id, name }) => new Option(name, id, false, id === chosen)));
    at("devices").hidden = found.length < 2;
  }, true);
}

function startFile(file) {
  if (file) start(() => openFile(video, file), false);
}

function stop() {
  if (running) teaching?.stop("ended");
  running?.abort();
  running = null;
  close(video);
  draw(at("overlay"), at("overlay").width, at("overlay").height, NO_HANDS);
  showReading(NOTHING);
  at("rate").textContent = "";
  const focused = document.activeElement === at("stop");
  at("start").hidden = false;
  if (focused) at("start").focus();
  at("stop").hidden = true;
  at("hint").hidden = false;
}

// --- a frame

const rate = { frames: 0, since: 0 };
let seen = 0; // when a hand was in view last

async function frame(time) {
  const signal = running.signal;
  const { videoWidth: width, videoHeight: height } = video;
  let reading;
  if (tracker) {
    const hands = await tracker.track(video, width, height);
    if (signal.aborted) return;
    draw(at("overlay"), width, height, hands);
    reading = teaching.isBusy ? taught(time, hands) : await reader.read(time, hands);
    if (signal.aborted) return;
    tellOfHands(hands, performance.now());
  } else {
    const { pixels, width: across, height: down } = region.pixelsOf(video, width, height);
    reading = await reader.read(time, pixels, across, down);
    if (signal.aborted) return;
    if (state !== "reading") tell("reading");
  }
  type(reading);
  showReading(reading);
  showRate(performance.now());
}

/** A frame that is recorded in place of being read. */
function taught(time, hands) {
  reader.reset();
  teaching.frame(time, hands);
  return NOTHING;
}

function tellOfHands(hands, now) {
  const count = Number(hands.left !== null) + Number(hands.right !== null);
  if (count) seen = now;
  const alone = reader.model.places[0].side === "either";
  const inView = teaching.isBusy ? "taught" : count === 2 && alone ? "twoHands" : "reading";
  tellOfView(count === 0 ? "noHand" : inView, now);
  if (count === 0 && now - seen > PAUSE && at("pause").checked && reader.model.letters && !reader.model.ctc) {
    write(spaced(text.value));
  }
}

function showRate(now) {
  rate.frames += 1;
  if (now - rate.since < 1000) return;
  const perSecond = (rate.frames * 1000) / (now - rate.since);
  if (rate.since) at("rate").textContent = `${perSecond.toFixed(perSecond < 10 ? 1 : 0)} frames/s`;
  Object.assign(rate, { frames: 0, since: now });
}

// --- what was read

const bars = new Bars(at("bars"));

function showReading({ best, partial }) {
  const threshold = Number(at("threshold").value);
  const first = best[0];
  const clear = Boolean(first) && first.share >= threshold;
  const ctc = reader?.model.ctc;
  at("symbol").textContent = ctc ? joined(partial) || "–" : (first?.symbol ?? "–");
  at("symbol").classList.toggle("clear", ctc ? partial.length > 0 : clear);
  at("held").value = best.length && !ctc ? reader.hold.progress() : 0;
  bars.show(best, clear);
}

function joined(symbols) {
  return symbols.join(reader.model.letters ? "" : " ");
}

function type({ typed: symbols, ended }) {
  if (symbols.length === 0) return;
  for (const symbol of symbols) write(typed(text.value, symbol, reader.model.letters));
  if (ended) write(spaced(text.value));
  say(joined(symbols));
}

/** Announce to a screen reader, which would pass over the same text twice: then a space is added. */
function say(what) {
  at("said").textContent = at("said").textContent === what ? `${what}\u00a0` : what;
}

function write(what) {
  if (text.value === what) return;
  text.value = what;
  text.scrollTop = text.scrollHeight;
  suggest();
}

function suggest() {
  const listed = suggestions(lastWord(text.value), lexicon);
  const likely = prior && listed.length < MOST_WORDS ? prior.language.completions(text.value) : [];
  const words = [...new Set([...listed, ...likely.map(({ word }) => word)])].slice(0, MOST_WORDS);
  const buttons = words.map((word) => {
    const button = document.createElement("button");
    button.textContent = word;
    button.onclick = () => {
      write(completed(text.value, word));
      text.focus();
    };
    return button;
  });
  at("suggestions").replaceChildren(...buttons);
}

// --- buttons

at("start").onclick = startCamera;
at("stop").onclick = () => {
  stop();
  tell("stopped");
};
at("file").onchange = () => {
  startFile(at("file").files[0]);
  at("file").value = "";
};
at("whole").onclick = () => region.whole();
at("delete").onclick = () => write(erased(text.value, reader?.model.letters ?? true));
at("space").onclick = () => write(`${text.value} `);
at("clear").onclick = () => write("");
at("copy").onclick = async () => {
  try {
    await navigator.clipboard.writeText(text.value);
    say("Copied");
  } catch {
    text.select();
    say("The text is selected: copy it by key");
  }
};
text.oninput = suggest;
at("threshold").oninput = () => {
  at("threshold-value").textContent = `${Math.round(at("threshold").value * 100)} %`;
  if (reader) reader.hold.threshold = Number(at("threshold").value);
};
at("weight").oninput = () => {
  at("weight-value").textContent = at("weight").value;
  prior.weight = Number(at("weight").value);
};
at("hold").oninput = () => {
  at("hold-value").textContent = `${at("hold").value} s`;
  if (reader) reader.hold.milliseconds = at("hold").value * 1000;
};
at("mirrored").onchange = () => {
  if (video.srcObject) at("stage").classList.toggle("mirrored", at("mirrored").checked);
};
at("device").onchange = startCamera;
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    at("stage").classList.toggle("drop", name === "dragover");
    if (name === "drop") startFile(event.dataTransfer.files[0]);
  });
}

load().catch(fail);
