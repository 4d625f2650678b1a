// From a model's numbers to letters and text. Nothing here knows of a page or of a camera.

/** Probabilities of log-probabilities, or of any logits, at a temperature. */
export function softmax(logits, temperature = 1) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(logits, (x) => Math.exp((x - most) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** The `count` likeliest symbols as `{symbol, share}`, the likeliest first; of equal ones the first in order. */
export function top(shares, symbols, count = 5) {
  return symbols
    .map((symbol, i) => ({ symbol, share: shares[i] }))
    .sort((a, b) => b.share - a.share)
    .slice(0, count);
}

/**
 * The greedy reading of a CTC model: the likeliest symbol of each chunk, repetitions merged, blanks left out.
 * `logits` is [chunks * symbols.length].
 */
export function greedy(logits, symbols, blank) {
  const found = [];
  let before = -1;
  for (let at = 0; at < logits.length; at += symbols.length) {
    let best = 0;
    for (let i = 1; i < symbols.length; i++) if (logits[at + i] > logits[at + best]) best = i;
    if (best !== before && best !== blank) found.push(symbols[best]);
    before = best;
  }
  return found;
}

/** Whether symbols are letters, which are joined, and not words, which are set apart by spaces. */
export function areLetters(symbols) {
  return symbols.every((symbol) => [...symbol].length === 1);
}

/**
 * Types a symbol that has been the likeliest, above a threshold, for so many milliseconds. It is typed once: to
 * type it again it has to be gone for `pause` milliseconds, as between the two letters of LL.
 */
export class Hold {
  constructor(threshold = 0.7, milliseconds = 800, pause = 250) {
    Object.assign(this, { threshold, milliseconds, pause });
    this.forget();
  }

  forget() {
    this.symbol = null; // that is held
    this.since = 0;
    this.seen = 0; // when it was above the threshold last
    this.typed = false;
  }

  /** The symbol to type now, or null. `best` is `{symbol, share}`, or null where there is no hand. */
  update(best, now) {
    const clear = best !== null && best.share >= this.threshold;
    if (clear && best.symbol === this.symbol) {
      this.seen = now;
    } else if (clear) {
      Object.assign(this, { symbol: best.symbol, since: now, seen: now, typed: false });
    } else if (this.symbol !== null && now - this.seen > this.pause) {
      this.forget();
    }
    if (!clear || this.typed || now - this.since < this.milliseconds) return null;
    this.typed = true;
    return this.symbol;
  }

  /** How far the symbol that is held has come, 0 to 1; 1 once it is typed. */
  progress() {
    if (this.symbol === null) return 0;
    return this.typed ? 1 : Math.min(1, (this.seen - this.since) / this.milliseconds);
  }
}

/** The text after a symbol is typed: letters are joined, words are set apart. */
export function typed(text, symbol, letters) {
  return letters || text === "" || text.endsWith(" ") ? text + symbol : `${text} ${symbol}`;
}

/** The text with a space behind its last word, if it has none. */
export function spaced(text) {
  return text === "" || text.endsWith(" ") ? text : `${text} `;
}

/** The text without its last character; of words, without the last word. */
export function erased(text, letters) {
  if (letters) return [...text].slice(0, -1).join("");
  return text.trimEnd().replace(/\S+$/u, "");
}
