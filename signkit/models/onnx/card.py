"""The model card: a README with the header that the Hugging Face Hub reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signkit.config.registry import component_name
from signkit.eval.figures import metric
from signkit.eval.results import SCORES, read_results
from signkit.models.export import TrainedModel
from signkit.models.onnx.decoder_graph import CONFIDENCE, CTC, FEATURES
from signkit.models.onnx.landmark_graph import ACOUSTIC, LOG_PROBABILITIES
from signkit.types import VIDEO

HEAD = "---\n"
HEADER = """---
library_name: signkit
tags: [sign-language, {task}]
license: # of these weights: yours to fill in, such as apache-2.0
---

# {name}

"""
LOADING = """
## Use

With signkit (`pip install 'signkit[{extra}]'`):

```python
import signkit

model = signkit.load(".")  # or signkit.from_pretrained("user/name"), from the Hugging Face Hub
model.{call}.text
```
"""
GRAPH = """
`model.onnx` needs neither signkit nor torch: any ONNX runtime computes it. `model.json` says what it reads
and writes, `golden.json` has inputs and what the model makes of them. The weights are stored in {precision};
the probabilities differ from the trained model's by {apart:.1g} at most on the inputs of the check.

{facts}
"""


OUTPUTS = {
    LOG_PROBABILITIES: "log-probabilities [1, chunks, symbols]",
    ACOUSTIC: "logits [1, chunks, symbols], to which those of `context.onnx` are added",
    FEATURES: "[1, chunks, width], what `decoder.onnx` attends to",
    CTC: "log-probabilities [1, chunks, symbols]",
    CONFIDENCE: "[1], that of the text before the sigmoid",
}


def card(described: Mapping[str, Any], trained: TrainedModel, run: Path, apart: float) -> str:
    """The model card of an ONNX export.

    Args:
        described: as `model.json` has it.
        run: whose scores are listed.
        apart: the difference of probabilities that was measured.
    """
    facts = [f"- Input {_input(described['input'])}"]
    for name, symbols in described["outputs"].items():
        what = "log-probabilities [1, classes]" if "frames_per_chunk" not in described else OUTPUTS[name]
        facts.append(f"- Output `{name}`, {what}" + (f"; {_shown(symbols)}" if symbols else ""))
    if "symbols" in described:
        facts.append(f"- `decoder.onnx` writes {_shown(described['symbols'])}")
    if described["temperature"] != 1:
        how = f"the softmax of an output divided by {described['temperature']:.3g}"
        facts.append(f"- Confidences are {how}")
    graph = GRAPH.format(precision=described["precision"], apart=apart, facts="\n".join(facts))
    return model_card(trained, run) + graph + _loading(trained, "train,web")


def run_card(trained: TrainedModel, run: Path) -> str:
    """The model card of a run's own export."""
    return model_card(trained, run) + _loading(trained, "train")


def _loading(trained: TrainedModel, extra: str) -> str:
    """How a model is loaded and called."""
    stills = getattr(trained.recipe.data, "stills", False)
    ending = {VIDEO: "jpg" if stills else "mp4"}.get(trained.spec.signal.layout, "npz")
    call = f'predict("clip.{ending}")' if trained.spec.source is None else 'translate("GLOSS GLOSS")'
    return LOADING.format(extra=extra, call=call)


def model_card(trained: TrainedModel, run: Path) -> str:
    """What a model is: its recipe, data and scores."""
    recipe = trained.recipe
    steps = f" for {trained.step:,} steps" if trained.step else ""
    corpus = component_name("corpora", recipe.data)
    made = f"trained with signkit{steps} on the corpus `{corpus}`; `recipe.yaml` has all settings"
    about = f"A model of the task `{recipe.task}`: {_made_of(trained)};\n{made}.\n"
    return HEADER.format(task=recipe.task, name=recipe.name) + about + _scores(run)


def _made_of(trained: TrainedModel) -> str:
    recipe, model = trained.recipe, trained.model
    encoder = f"encoder `{component_name('encoders', recipe.encoder)}`, " if recipe.encoder else ""
    weights = sum(each.numel() for each in model.parameters())
    return f"{encoder}model `{component_name('models', recipe.model)}`, {weights:,} weights"


def _scores(run: Path) -> str:
    if not (run / SCORES).is_file():
        return ""
    results = read_results(run / SCORES)
    rows = [
        f"| {score.split} | {of.title} | {of.text(score.value)} |"
        for split in results.splits
        if (score := results.main(split)) is not None
        for of in (metric(score.name, results.metrics),)
    ]
    return (
        "\n## Scores\n\n| split | metric | value |\n|---|---|---|\n" + "\n".join(rows) + "\n" if rows else ""
    )


def _input(given: Mapping[str, Any]) -> str:
    if given["kind"] == "image":
        height, width = given["size"]
        what = "uint8 [height, width, 3], RGB of any size, which the graph resizes and crops to"
        return f"`{given['name']}`: {what} {height} x {width}"
    if given["kind"] == "text":
        what = f"int64 [1, words], the numbers of a source's tokens, of {_shown(given['symbols'])}"
        return f"`{given['name']}`: {what}"
    shape = f"[1, frames, {len(given['points'])}, {given['width']}]"
    what = f"float32 {shape}, the points of the layout `{given['layout']}`, NaN where one was not seen"
    return f"`{given['name']}`: {what}"


def _shown(symbols: list[str], most: int = 12) -> str:
    first = ", ".join(f"`{json.dumps(each, ensure_ascii=False)[1:-1]}`" for each in symbols[:most])
    return f"{len(symbols)}: {first}" + ", …" * (len(symbols) > most)
