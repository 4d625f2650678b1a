"""The model card: a README with the header that the Hugging Face Hub reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signkit.config.registry import component_name
from signkit.eval.figures import metric
from signkit.eval.results import SCORES, read_results
from signkit.models.export import TrainedModel
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

- Input {input}
- Output {outputs}
"""


def card(described: Mapping[str, Any], trained: TrainedModel, run: Path, apart: float) -> str:
    """The model card of an ONNX export.

    Args:
        described: as `model.json` has it.
        run: whose scores are told.
        apart: the difference of probabilities that was measured.
    """
    given, temperature = described["input"], described["temperature"]
    ending = "jpg" if given["kind"] == "image" else "npz"
    known = [
        f"`{name}`, log-probabilities [{'1, chunks, symbols' if 'blank' in described else '1, classes'}] of "
        f"{len(symbols)}: {_shown(symbols)}"
        for name, symbols in described["outputs"].items()
    ]
    if temperature != 1:
        known.append(f"confidences are the softmax of an output divided by {temperature:.3g}")
    graph = GRAPH.format(
        precision=described["precision"], apart=apart, input=_input(given), outputs="\n- Output ".join(known)
    ).replace("- Output confidences", "- Confidences")
    loading = LOADING.format(extra="train,web", call=f'predict("clip.{ending}")')
    return model_card(trained, run) + graph + loading


def run_card(trained: TrainedModel, run: Path) -> str:
    """The model card of a run's own export."""
    ending = "mp4" if trained.spec.signal.layout == VIDEO else "npz"
    call = f'predict("clip.{ending}")' if trained.spec.source is None else 'translate("GLOSSES")'
    return model_card(trained, run) + LOADING.format(extra="train", call=call)


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
    shape = f"[1, frames, {len(given['points'])}, {given['width']}]"
    what = f"float32 {shape}, the points of the layout `{given['layout']}`, NaN where one was not seen"
    return f"`{given['name']}`: {what}"


def _shown(symbols: list[str], most: int = 12) -> str:
    more = ", …" if len(symbols) > most else ""
    return ", ".join(f"`{json.dumps(each, ensure_ascii=False)[1:-1]}`" for each in symbols[:most]) + more
