// What the text so far says of the next letter, by a language model of characters.
import { beamSearch } from "./search.js";
import { softmax } from "./symbols.js";

const WEIGHT = 0.5; // of the language model
const USUAL = 2; // nats that a letter costs: a search with the weighted costs alone would prefer short texts

/** `textOf()` gives the text so far. */
export class Prior {
  constructor(language, textOf) {
    Object.assign(this, { language, textOf, weight: WEIGHT });
    this.state = language.start;
  }

  /**
   * Probabilities of letters, from the logits of a classifier. While a letter that was typed is still shown
   * (`hold`), the text before it counts: else the letters that follow it would be preferred.
   */
  shares(logits, temperature, hold) {
    if (!hold.typed) this.state = this.language.stateOf(this.textOf());
    const row = this.language.row(this.state);
    return softmax(logits.map((logit, i) => logit / temperature + this.weight * row[i]));
  }

  /** The symbols that a CTC model has read, by their numbers; `isEnded`: whether the word has. */
  read(logits, count, blank, isEnded) {
    const start = this.language.stateOf(this.textOf());
    const options = { weight: this.weight, reward: USUAL * this.weight, start, isEnded };
    const [first] = beamSearch(logits, count, blank, this.language, options);
    return first?.symbols ?? [];
  }
}
