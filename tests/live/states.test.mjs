// Every state is a sentence, and those of trouble say what to do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STATES } from "../../signkit/commands/live/page/js/states.js";

test("every state is a sentence", () => {
  for (const [name, sentence] of Object.entries(STATES)) {
    assert.match(sentence("it", "is"), /^[A-Z][^\n]*[.…]$/u, name);
  }
});

test("loading tells how much of how much", () => {
  assert.equal(STATES.loading(1_400_000, 31_374_571), "Loading 1 of 31 MB…");
});

test("trouble names its reason", () => {
  assert.equal(STATES.mismatch("they differ"), "Model and page do not match: they differ. Export the model again.");
  assert.equal(STATES.failed("NoError: odd"), "The camera cannot be used (NoError: odd).");
});
