"""The dev score on the way."""

from dataclasses import replace

from signkit.config.recipe import Recipe
from signkit.data.loader import eval_batches
from signkit.decode.lattice import greedy, recognise
from signkit.eval.scores import error_rate
from signkit.runtime.progress import Watch
from signkit.train.loop import with_context
from signkit.train.setup import Prepared

EMPTY_SHARE = 0.9
"""Share of empty dev hypotheses from which a model is said to have collapsed to blanks."""


class DevScore:
    """The greedy error rate on dev of the model's present weights, without language models, and without the
    context as long as no loss knows it; warns of a model that writes nothing."""

    def __init__(self, recipe: Recipe, prepared: Prepared, watch: Watch) -> None:
        self._recipe, self._prepared, self._watch = recipe, prepared, watch
        self._warned = self._told = False

    def __call__(self, step: int) -> float:
        prepared, examples = self._prepared, self._prepared.examples["dev"]
        decode = greedy(self._recipe.decode)
        if not with_context(self._recipe.train, step):
            decode = replace(decode, context_scale=0.0)
            if not self._told:
                self._watch.say("dev is judged without the context until a loss with it begins")
                self._told = True
        batches = eval_batches(examples, decode.batch_size)
        found = recognise(prepared.model, batches, prepared.vocabulary, decode)
        empty = sum(not nbest[0].tokens for nbest in found.values()) / len(found)
        if empty > EMPTY_SHARE and not self._warned:
            self._watch.say(f"warning: {100 * empty:.0f} % of dev hypotheses are empty (blanks only)")
            self._warned = True
        references = {sample.id: sample.reference for sample in examples.samples}
        return error_rate(references, {i: nbest[0].tokens for i, nbest in found.items()})
