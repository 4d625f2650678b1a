// Suggestions of words from a list, the most frequent first.

/** The words of a lexicon file, a word a line; what follows a tab is not read. */
export function readLexicon(text) {
  return text
    .split("\n")
    .map((line) => line.split("\t")[0].trim())
    .filter(Boolean);
}

/** The last word of a text, which may be unfinished; empty after a space. */
export function lastWord(text) {
  return /\S*$/u.exec(text)[0];
}

/** Letters to change, to insert or to leave out so that `word` begins with what was spelled; at most 2. */
function differences(spelled, word) {
  const length = spelled.length;
  let row = Array.from({ length: word.length + 1 }, (_, j) => j);
  for (let i = 1; i <= length; i++) {
    const next = [i];
    for (let j = 1; j <= word.length; j++) {
      const change = spelled[i - 1] === word[j - 1] ? 0 : 1;
      next.push(Math.min(row[j - 1] + change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return Math.min(2, ...row); // the least over all beginnings of the word
}

/**
 * Up to `count` words of the lexicon that begin with what was spelled, and behind them those that do but for one
 * letter. Upper and lower case are alike; suggestions are written as what was spelled.
 */
export function suggestions(spelled, lexicon, count = 3) {
  if (spelled === "") return [];
  const wanted = spelled.toLowerCase();
  const exact = [];
  const near = [];
  for (const word of lexicon) {
    const lower = word.toLowerCase();
    if (lower === wanted) continue;
    if (lower.startsWith(wanted)) exact.push(word);
    else if (wanted.length > 2 && near.length < count && differences(wanted, lower) === 1) near.push(word);
    if (exact.length === count) break;
  }
  const upper = spelled === spelled.toUpperCase();
  return [...exact, ...near].slice(0, count).map((word) => (upper ? word.toUpperCase() : word));
}

/** The text with its last word replaced, and a space behind it. */
export function completed(text, word) {
  return `${text.slice(0, text.length - lastWord(text).length)}${word} `;
}
