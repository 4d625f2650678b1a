// Beam search over the texts of a CTC model with a language model, by the rules of signkit/decode/label_step.py.
import { logAdd } from "./language.js";

const BEAM = 8;
const NEVER = Number.NEGATIVE_INFINITY;

/** A text: its last symbol after a shorter text. Equal texts are one node. */
class Node {
  constructor(symbol, parent, state) {
    Object.assign(this, { symbol, parent, state, children: new Map() });
  }

  longer(symbol, language) {
    let child = this.children.get(symbol);
    if (!child) {
      child = new Node(symbol, this, language.after(this.state, symbol));
      this.children.set(symbol, child);
    }
    return child;
  }

  get symbols() {
    return this.parent ? [...this.parent.symbols, this.symbol] : [];
  }
}

/**
 * The best texts, `{symbols, score}` each, the best first: the numbers of their symbols; and log P of all their paths
 * in the beam, plus the weighted log P of the language model, of the end too if it `isEnded`, plus a reward for each
 * symbol. `logits` is [chunks * count]; `start` is the language model's state before the text.
 */
export function beamSearch(logits, count, blank, language, options) {
  const { weight, reward = 0, beam = BEAM, start = language.start, isEnded = true } = options;
  const bonus = (node, symbol) => weight * language.row(node.state)[symbol] + reward;
  let texts = [{ node: new Node(null, null, start), blank: 0, label: NEVER, total: 0 }];
  for (let at = 0; at < logits.length; at += count) {
    const chunk = normalised(logits.subarray(at, at + count));
    const known = new Map(texts.map((text) => [text.node, text]));
    const kept = texts.map((text) => retained(text, chunk, blank, known, bonus));
    const found = best([...kept, ...extended(texts, chunk, blank, known, bonus)], beam);
    texts = found.map(({ symbol, ...text }) =>
      symbol === undefined ? text : { ...text, node: text.node.longer(symbol, language) },
    );
  }
  const ended = ({ node, total }) => (isEnded ? total + weight * language.ends(node.state) : total);
  const scored = texts.map((text) => ({ node: text.node, total: ended(text) }));
  return best(scored, beam).map(({ node, total }) => ({ symbols: node.symbols, score: total }));
}

/** The largest totals, the largest first; of equal ones the first. */
function best(texts, beam) {
  return texts
    .filter(({ total }) => total > NEVER)
    .sort((a, b) => b.total - a.total)
    .slice(0, beam);
}

/** Log-probabilities of a chunk. */
function normalised(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), NEVER);
  const sum = logits.reduce((a, b) => a + Math.exp(b - most), 0);
  return Float64Array.from(logits, (x) => x - most - Math.log(sum));
}

/** A text of the beam one chunk later: after a blank, with its last symbol going on, or come of its parent now. */
function retained({ node, label, total }, chunk, blankSymbol, known, bonus) {
  let stays = node.parent ? label + chunk[node.symbol] : NEVER;
  const parent = known.get(node.parent);
  if (parent) {
    const source = node.parent.symbol === node.symbol ? parent.blank : parent.total; // LL needs a blank between
    stays = logAdd(stays, source + chunk[node.symbol] + bonus(node.parent, node.symbol));
  }
  const after = total + chunk[blankSymbol];
  return { node, blank: after, label: stays, total: logAdd(after, stays) };
}

/** The texts of the beam with a symbol more, likelier symbols first; not those that are in the beam themselves. */
function extended(texts, chunk, blankSymbol, known, bonus) {
  const symbols = Array.from(chunk, (_, i) => i).filter((i) => i !== blankSymbol);
  symbols.sort((a, b) => chunk[b] - chunk[a]);
  const isNew = (node, symbol) => !known.has(node.children.get(symbol));
  return texts.flatMap(({ node, blank, total }) =>
    symbols
      .filter((symbol) => isNew(node, symbol))
      .map((symbol) => {
        const source = symbol === node.symbol ? blank : total;
        const score = source + chunk[symbol] + bonus(node, symbol);
        return { node, symbol, blank: NEVER, label: score, total: score };
      }),
  );
}
