"""What a report shows of an autoencoder: pictures beside their reconstructions, and the grid of the fit."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from signkit.data.batch import Batch
from signkit.models.configs import AutoencoderForestConfig
from signkit.report.sections import Picture, Section, Table
from signkit.runtime.files import write_bytes
from signkit.tasks.autoencoder.fit import Fit
from signkit.train.task import Outcome

FIT, PICTURES = "fit.json", "reconstructions.png"
SHOWN = 10
"""Pictures that are shown."""


def sections(outcome: Outcome) -> list[Section]:
    """Of the run: its reconstructions, and what was tried in fitting the classifier."""
    shown: list[Section] = []
    picture, file = outcome.run / PICTURES, outcome.run / FIT
    if picture.is_file():
        alt = "Pictures (above) and what the autoencoder makes of them (below)"
        shown.append(Picture(picture, alt, "Reconstructions"))
    if file.is_file():
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["tried"]:
            shown.append(_grid(found))
    return shown


def fit_notes(found: Fit, config: AutoencoderForestConfig) -> list[str]:
    """The fit in words: what was chosen, and whatever did not converge."""
    lines = []
    if found.tried:
        best = max(found.tried, key=lambda each: each.accuracy)
        share = f"{100 * best.accuracy:.1f} % in cross-validation ({found.validation})"
        lines.append(f"{config.classifier}: {_values(found.chosen)}, {share}")
    else:
        lines.append(f"{config.classifier}: {_values(found.chosen)}, not cross-validated")
    not_converged = [_values(each.values) for each in found.tried if not each.converged]
    if not_converged:
        where = "; ".join(not_converged)
        lines.append(f"warning: not converged in {config.iterations} iterations while choosing: {where}")
    if not found.converged:
        what = f"the logistic regression that is used has not converged in {config.iterations} iterations"
        lines.append(f"warning: {what}; raise model.iterations")
    return lines


def draw(path: Path, model: Any, batch: Batch) -> None:
    """Write the first frames of clips above their reconstructions.

    Raises:
        OperationalError: the file cannot be written.
    """
    import io

    from PIL import Image

    device = next(model.parameters()).device
    with torch.no_grad():
        whole = batch.to(device)
        frames = model.small(whole.inputs.permute(0, 1, 4, 2, 3).float() / 255)[:, 0]
        again = model.reconstructions(whole)[:, 0]
    rows = [torch.cat([*pictures], 2) for pictures in (frames, again)]  # side by side
    pixels = (torch.cat(rows, 1) * 255).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    write_bytes(path, file.getvalue())


def _grid(found: Mapping[str, Any]) -> Table:
    rows = []
    for each in found["tried"]:
        chosen = "yes" if each["values"] == found["chosen"] else ""
        converged = "yes" if each["converged"] else "no"
        accuracy = f"{100 * each['accuracy']:.1f} %"
        rows.append((_values(each["values"]), accuracy, f"{100 * each['deviation']:.1f}", converged, chosen))
    return Table(
        ("values", "accuracy", "deviation", "converged", "chosen"),
        rows,
        "Classifier of the latent vectors",
        notes=(f"Accuracy in cross-validation on train: {found['cross_validation']}.",),
        remarks=2,
    )


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value or 'unlimited'}" for name, value in values.items())
