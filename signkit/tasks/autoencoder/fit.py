"""Forests and logistic regressions of scikit-learn on latent vectors: chosen by cross-validation, fitted, and
kept as plain arrays."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.models.configs import AutoencoderForestConfig

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tried:
    """Values of a grid with the accuracy in cross-validation.

    Attributes:
        deviation: of the folds' accuracies.
        converged: whether every fit did.
    """

    values: Parameters
    accuracy: float
    deviation: float
    converged: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted classifier.

    Attributes:
        estimator: of scikit-learn.
        arrays: of a `signkit.models.fitted.Forest` or `Logistic`.
        tried: the grid; one entry that was not tried where there is nothing to choose.
        validation: how the cross-validation was done; "" if it was not.
        converged: whether the last fit, on all of train, did.
    """

    estimator: Any
    arrays: Mapping[str, npt.NDArray[Any]]
    tried: tuple[Tried, ...]
    chosen: Parameters
    validation: str
    converged: bool


def fit(
    vectors: Floats,
    targets: Ints,
    signers: Sequence[str],
    classes: int,
    config: AutoencoderForestConfig,
    seed: int,
) -> Fit:
    """Choose among the options by cross-validation and fit a classifier to all vectors.

    Args:
        vectors: [samples, width].
        targets: the class of each, from 0 to ``classes - 1``; some may have no sample.
        signers: of each; "" where they are not known.

    Raises:
        UserError: scikit-learn is not installed.
    """
    with extra_for("model.classifier"):
        import sklearn  # noqa: F401
    grid = _grid(config)
    tried: tuple[Tried, ...] = ()
    chosen, validation = grid[0], ""
    if len(grid) > 1 and (folds := _folds(targets, signers, config.folds)):
        validation, splits = folds
        tried = tuple(_tried(values, splits, vectors, targets, config, seed) for values in grid)
        chosen = max(tried, key=lambda each: each.accuracy).values  # of equal ones the first
    estimator, converged = _fitted(_estimator(config, chosen, seed), vectors, targets)
    arrays = (
        forest_arrays(estimator, classes) if config.classifier == "forest" else _logistic(estimator, classes)
    )
    return Fit(estimator, arrays, tried, chosen, validation, converged)


def _grid(config: AutoencoderForestConfig) -> list[Parameters]:
    if config.classifier == "logistic":
        return [{"C": strength} for strength in config.strengths]
    return [{"trees": trees, "depth": depth} for trees in config.trees for depth in config.depths]


def _estimator(config: AutoencoderForestConfig, values: Parameters, seed: int) -> Any:
    if config.classifier == "forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(values["trees"], max_depth=values["depth"] or None, random_state=seed)
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=values["C"], max_iter=config.iterations))


def _folds(targets: Ints, signers: Sequence[str], wanted: int) -> tuple[str, list[tuple[Ints, Ints]]] | None:
    """The parts of a cross-validation, and how they were made; None with fewer than two samples of a class
    where signers do not help."""
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    if all(signers) and len(set(signers)) >= wanted:
        splits = GroupKFold(wanted).split(targets, targets, signers)
        return f"{wanted} folds of signers", list(splits)
    count = min(wanted, int(np.unique(targets, return_counts=True)[1].min()))
    if count < 2:
        return None
    splits = StratifiedKFold(count, shuffle=True, random_state=0).split(targets, targets)
    return f"{count} folds at random", list(splits)


def _tried(
    values: Parameters,
    splits: Sequence[tuple[Ints, Ints]],
    vectors: Floats,
    targets: Ints,
    config: AutoencoderForestConfig,
    seed: int,
) -> Tried:
    found, converged = [], True
    for train, held_out in splits:
        estimator, fine = _fitted(_estimator(config, values, seed), vectors[train], targets[train])
        found.append(float((estimator.predict(vectors[held_out]) == targets[held_out]).mean()))
        converged &= fine
    return Tried(values, float(np.mean(found)), float(np.std(found)), converged)


def _fitted(estimator: Any, vectors: Floats, targets: Ints) -> tuple[Any, bool]:
    """The fitted estimator, and whether it converged."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(vectors, targets)
    return estimator, not any(issubclass(each.category, ConvergenceWarning) for each in caught)


def forest_arrays(estimator: Any, classes: int) -> dict[str, npt.NDArray[Any]]:
    """The nodes of all trees, numbered through, and the shares of the classes at their leaves."""
    parts: dict[str, list[npt.NDArray[Any]]] = {
        name: [] for name in ("left", "right", "feature", "threshold", "shares")
    }
    roots, nodes, leaves = [], 0, 0
    for each in estimator.estimators_:
        tree = each.tree_
        leaf = tree.children_left < 0
        rows = -1 - (leaves + np.cumsum(leaf) - 1)
        values = tree.value[leaf, 0, :]
        shares = np.zeros((len(values), classes))
        # scikit-learn 1.2 and before had counts here.
        shares[:, estimator.classes_] = values / values.sum(1, keepdims=True) if _counts(values) else values
        parts["left"].append(np.where(leaf, rows, tree.children_left + nodes))
        parts["right"].append(np.where(leaf, rows, tree.children_right + nodes))
        parts["feature"].append(np.where(leaf, 0, tree.feature))
        parts["threshold"].append(tree.threshold)
        parts["shares"].append(shares)
        roots.append(nodes)
        nodes, leaves = nodes + len(leaf), leaves + int(leaf.sum())
    joined = {name: np.concatenate(some) for name, some in parts.items()}
    return {"roots": np.array(roots, dtype=np.int64), **joined}


def _counts(values: npt.NDArray[np.float64]) -> bool:
    return bool(values.sum(1).max() > 1.5)


def _logistic(estimator: Any, classes: int) -> dict[str, npt.NDArray[Any]]:
    scaler, model = (step for _, step in estimator.steps)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps the difference of both alone
        weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    whole = np.zeros((classes, weight.shape[1])), np.full(classes, -np.inf)
    whole[0][model.classes_], whole[1][model.classes_] = weight, bias
    return {"mean": scaler.mean_, "deviation": scaler.scale_, "weight": whole[0], "bias": whole[1]}
