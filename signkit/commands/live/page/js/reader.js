// What a model makes of frame after frame: the likeliest symbols, and what is to be typed.
import { clipOf, Window } from "./points.js";
import { Sign } from "./signs.js";
import { greedy, Hold, softmax, top } from "./symbols.js";

// Milliseconds; signkit/commands/live/reader.py has the same ones.
const CLASSIFIED = 800; // of a clip that a classifier names
const RECOGNISED = 12000; // of a clip that a recogniser reads; then the next one begins
const GONE = 300; // without a hand: the next one begins a new clip
const SPELLED = 1000; // without a hand: what was spelled is typed

/**
 * Reads frames of hands. `read` gives `{best, typed, partial, ended}`: the five likeliest symbols (none without a
 * hand), the symbols to type now; of a recogniser what it has read so far, and whether a word has ended.
 */
export class HandReader {
  /** `prior`: a `Prior` of letters, if there is a language model. */
  constructor(model, hold = new Hold(), prior = null) {
    Object.assign(this, { model, hold, prior });
    this.window = new Window(model.ctc ? RECOGNISED : CLASSIFIED);
    this.sign = new Sign();
    this.reset();
  }

  reset() {
    this.window.clear();
    this.sign.clear();
    this.best = []; // of the sign so far
    this.hold.forget();
    this.seen = Number.NEGATIVE_INFINITY; // when a hand was seen last
    this.partial = [];
    this.spelled = new Float32Array(); // logits of what was read so far
  }

  async read(time, hands) {
    const there = Boolean(hands.left || hands.right);
    const gone = time - this.seen;
    if (there) this.seen = time;
    if (this.model.signs) return this.name(time, hands, there);
    return this.model.ctc ? this.recognise(time, hands, there, gone) : this.classify(time, hands, there, gone);
  }

  async classify(time, hands, there, gone) {
    if (gone > GONE) this.window.clear();
    if (!there && gone > GONE) {
      this.hold.update(null, time);
      return { best: [], typed: [], partial: [], ended: false };
    }
    this.window.add(time, hands);
    const best = await this.likeliest(this.window.frames);
    const symbol = this.hold.update(there ? best[0] : null, time);
    return { best, typed: symbol === null ? [] : [symbol], partial: [], ended: false };
  }

  /** Name signs: each is typed when the hands have left the picture. */
  async name(time, hands, there) {
    const typed = [];
    if (this.sign.hasEnded(time, there)) {
      const [first] = this.best;
      if (first.share >= this.hold.threshold && this.sign.isLongEnough()) typed.push(first.symbol);
      this.sign.clear(); // what was likeliest is shown until the next sign begins
    }
    this.sign.add(time, hands);
    if (there) this.best = await this.likeliest(this.sign.clip);
    return { best: this.best, typed, partial: [], ended: false };
  }

  /** What is to be typed at the end of a video. */
  end() {
    if (this.model.signs) return this.name(Number.POSITIVE_INFINITY, { left: null, right: null }, false);
    const typed = this.symbolsOf(this.spelled, true);
    this.reset();
    return { best: [], typed, partial: [], ended: typed.length > 0 };
  }

  async recognise(time, hands, there, gone) {
    const { symbols, temperature } = this.model;
    const ended = !there && gone > SPELLED;
    const full = this.window.isFull(time) ? this.partial : [];
    const typed = ended ? this.symbolsOf(this.spelled, true) : full;
    if (ended || typed.length) {
      this.partial = [];
      this.spelled = new Float32Array();
      this.window.clear();
    }
    if (ended) return { best: [], typed, partial: [], ended: typed.length > 0 };
    this.window.add(time, hands);
    this.spelled = await this.logits(this.window.frames);
    this.partial = this.symbolsOf(this.spelled, false);
    const last = softmax(this.spelled.subarray(this.spelled.length - symbols.length), temperature);
    return { best: top(last, symbols), typed, partial: this.partial, ended: false };
  }

  /** What the logits of chunks spell; `isEnded`: a whole word. */
  symbolsOf(logits, isEnded) {
    const { symbols, blank } = this.model;
    if (logits.length === 0) return [];
    if (!this.prior?.weight) return greedy(logits, symbols, blank);
    return this.prior.read(logits, symbols.length, blank, isEnded).map((i) => symbols[i]);
  }

  async likeliest(frames) {
    return likeliest(await this.logits(frames), this);
  }

  logits(frames) {
    const { places, width, fps } = this.model;
    const clip = clipOf(frames, places, width, fps);
    return this.model.run(clip.points, [1, clip.frames, places.length, width]);
  }
}

/** The five most probable classes, by the logits of a classifier and the prior of a language model. */
function likeliest(logits, { model, prior, hold }) {
  const shares = prior ? prior.shares(logits, model.temperature, hold) : softmax(logits, model.temperature);
  return top(shares, model.symbols);
}

/** Reads pictures, each for itself. */
export class ImageReader {
  constructor(model, hold = new Hold(), prior = null) {
    Object.assign(this, { model, hold, prior });
  }

  reset() {
    this.hold.forget();
  }

  end() {
    return { best: [], typed: [], partial: [], ended: false };
  }

  /** Of `pixels`, RGB, uint8 [height * width * 3]. */
  async read(time, pixels, width, height) {
    const logits = await this.model.run(pixels, [height, width, 3]);
    const best = likeliest(logits, this);
    const symbol = this.hold.update(best[0], time);
    return { best, typed: symbol === null ? [] : [symbol], partial: [], ended: false };
  }
}
