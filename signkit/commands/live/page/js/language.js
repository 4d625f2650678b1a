// A language model of characters, as the folder of an export has it (signkit/commands/live/language.py).

const KEPT = 4096; // rows of probabilities
const EXPANDED = 400; // beginnings of words that are looked at for completions
const LONGEST = 20; // letters that a completion adds

/** log(exp(a) + exp(b)). */
export function logAdd(a, b) {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

function arrayOf({ dtype, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new { int32: Int32Array, float32: Float32Array }[dtype](bytes.buffer);
}

/** The model for a recogniser of these symbols. A state is a number; 0 is that of no history. */
export class Language {
  constructor(described, symbols) {
    Object.assign(this, described, { rows: new Map() });
    for (const name of ["keys", "log", "target", "backoff", "shorter"]) this[name] = arrayOf(described[name]);
    this.wordOf = new Map(symbols.map((symbol, i) => [symbol, this.tokens[i]]));
    if (this.space >= 0) this.wordOf.set(" ", this.space);
    const isLetter = ({ symbol }) => [...symbol].length === 1 && symbol !== " ";
    this.letters = symbols.map((symbol, i) => ({ symbol, i })).filter(isLetter);
  }

  /** `[log P, next state]` of a character, by its number, in a state. */
  step(state, word) {
    let log = 0;
    for (let at = state; ; at = this.shorter[at]) {
      const edge = this.edge(at * this.words + word);
      if (edge >= 0) return [log + this.log[edge], this.target[edge]];
      log += this.backoff[at];
    }
  }

  edge(key) {
    let low = 0;
    let high = this.keys.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.keys[middle] === key) return middle;
      if (this.keys[middle] < key) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** log P of each symbol in a state. */
  row(state) {
    let row = this.rows.get(state);
    if (!row) {
      if (this.rows.size >= KEPT) this.rows.clear();
      row = Float64Array.from(this.tokens, (word) => this.step(state, word)[0]);
      this.rows.set(state, row);
    }
    return row;
  }

  /** The state after a symbol, by its place. */
  after(state, symbol) {
    return this.step(state, this.tokens[symbol])[1];
  }

  /** log P that a text ends in a state. */
  ends(state) {
    return this.step(state, this.end)[0];
  }

  /** log P that a word ends in a state: by a space, or as the last one. */
  endsWord(state) {
    return this.space < 0 ? this.ends(state) : logAdd(this.ends(state), this.step(state, this.space)[0]);
  }

  /** The state after the last line of a text. More than the longest n-gram's history is never looked at. */
  stateOf(text) {
    const written = [...text.slice(text.lastIndexOf("\n") + 1)];
    const history = written.slice(Math.max(0, written.length - this.order + 1));
    let state = history.length === written.length ? this.start : 0;
    for (const character of history) state = this.step(state, this.wordFor(character))[1];
    return state;
  }

  wordFor(character) {
    const forms = [character, character.toUpperCase(), character.toLowerCase()];
    const known = forms.find((form) => this.wordOf.has(form));
    return known === undefined ? this.unknown : this.wordOf.get(known);
  }

  /** The likeliest `count` words that begin as the text ends, `{word, log}` each; none where nothing is spelled. */
  completions(text, count = 3) {
    const begun = /\S*$/u.exec(text)[0];
    if (begun === "") return [];
    const open = [{ added: "", state: this.stateOf(text), log: 0, isWhole: false }];
    const found = [];
    for (let n = 0; n < EXPANDED && open.length > 0 && found.length < count; n++) {
      const best = open.pop(); // the likeliest is the last one
      if (best.isWhole) found.push({ word: begun + best.added, log: best.log });
      else for (const next of this.longer(best)) insert(open, next);
    }
    return found;
  }

  /** A beginning as a whole word, and with each letter more. */
  longer({ added, state, log }) {
    const row = this.row(state);
    const more = [...added].length < LONGEST ? this.letters : [];
    const next = more.map(({ symbol, i }) => ({
      added: added + symbol,
      state: this.after(state, i),
      log: log + row[i],
      isWhole: false,
    }));
    if (added !== "") next.push({ added, state, log: log + this.endsWord(state), isWhole: true });
    return next;
  }
}

/** Put an item into a list that is sorted by `log`, the largest last. */
function insert(sorted, item) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle].log < item.log) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, item);
}
