"""The outcome of tuning: the figure of each point, and the significance of the gain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.commands.tune.search import Search, Trial, Values
from signkit.commands.tune.space import Parameter, with_values
from signkit.decode.confidence import beam_votes, greedy_votes, right_tokens
from signkit.decode.configs import SearchConfig
from signkit.decode.in_words import InWords
from signkit.decode.state import Candidate
from signkit.decode.temperature import fitted_temperature
from signkit.eval.bootstrap import PairedBootstrap, interval, paired
from signkit.eval.figures import Metric, metric
from signkit.eval.measure import Floats, Measure
from signkit.eval.metrics import main_figure, main_rate, metric_of
from signkit.eval.protocols import Protocol
from signkit.eval.scores import Resampling, score
from signkit.train.task import Searched


@dataclass(frozen=True, slots=True)
class Pool:
    """The splits of one or several runs, whose errors are counted together.

    Attributes:
        runs: the split of each run.
        protocol: that hypotheses are scored by.
        decode: the section before tuning.
        space: the tuned parameters.
    """

    runs: tuple[Searched, ...]
    protocol: Protocol
    decode: SearchConfig
    space: tuple[Parameter, ...]

    def at(self, values: Values) -> SearchConfig:
        """The section `decode` with the values of a point."""
        return with_values(self.decode, self.space, values)

    @property
    def groups(self) -> npt.NDArray[np.integer] | None:
        """A number [sentences] that is equal for the same sentence in several runs; None for a single run.

        Runs of several seeds decode the same sentences, so their errors are not independent, and the
        bootstrap has to draw them together.
        """
        if len(self.runs) == 1:
            return None
        names = [name for run in self.runs for name in run.references]
        return np.unique(names, return_inverse=True)[1]

    @property
    def figure(self) -> Metric:
        """What is tuned: the figure that the protocol is about, such as a word error rate, or BLEU-4 of a
        translation."""
        return metric(main_figure(self.protocol))

    def measures(self, values: Values) -> tuple[Measure, Measure]:
        """Decode all runs at a point.

        Returns:
            The figure that is tuned, and the error rate with the errors of each sentence.
        """
        references: dict[str, str] = {}
        hypotheses: dict[str, str] = {}
        for number, run in enumerate(self.runs):
            vocabulary = run.spec.vocabulary
            for name, beam in run.search(self.at(values)).items():
                references[f"{number}/{name}"] = vocabulary.join(run.references[name])
                hypotheses[f"{number}/{name}"] = vocabulary.join(vocabulary.decode(beam[0].tokens))
        wanted = self.figure.name, main_rate(self.protocol)
        metrics = tuple(dict.fromkeys((metric_of(wanted[0]), wanted[1])))
        drawn = Resampling(resamples=0)
        scored = score(references, hypotheses, self.protocol, metrics=metrics, resampling=drawn)
        of_name = {each.name: each for each in scored.measures}
        return of_name[wanted[0]], of_name[wanted[1]]

    def temperature(self, values: Values) -> float:
        """Fit the temperature of the confidences at a point, rounded to four digits."""
        decode = self.at(values)
        beams: list[Sequence[Candidate]] = []
        references: list[tuple[int, ...]] = []
        for run in self.runs:
            words = InWords(run.spec.vocabulary)
            beams += words.candidates([*run.search(decode, nbest=None).values()])
            references += [words.encode(tokens) for tokens in run.references.values()]
        votes = greedy_votes(beams) if decode.beam == 1 else beam_votes(beams)
        return float(f"{fitted_temperature(votes, right_tokens(beams, references)):.4g}")


@dataclass(frozen=True, slots=True)
class TuneOutcome:
    """The best point, compared with plain decoding.

    Attributes:
        space: the tuned parameters.
        trials: all trials, best first.
        best: the best trial.
        plain: the trial at which every parameter is neutral.
        given: the trial with the recipe's own values.
        without: for each parameter the figure of the best point with that parameter neutral.
        figure: the name of the figure that was tuned.
        sentences: their number.
        low, high: confidence interval of the best figure.
        gain: the difference of the best and the plain figure, with its interval.
        better, worse: number of sentences with fewer and with more errors than in plain decoding.
        decode: the tuned section, with the temperature of its confidences.
        changes: of the recipe before tuning: a decode recipe and settings, as they were given.
    """

    space: tuple[Parameter, ...]
    trials: tuple[Trial, ...]
    best: Trial
    plain: Trial
    given: Trial
    without: tuple[float, ...]
    figure: str
    sentences: int
    low: float
    high: float
    gain: PairedBootstrap
    better: int
    worse: int
    decode: SearchConfig
    changes: tuple[str, ...] = ()


def find_best(
    pool: Pool, recipe_point: Values, trials: int, seed: int, on_progress: Callable[[int, str], None]
) -> TuneOutcome:
    """Search the space, then compare the best point with plain decoding.

    Args:
        pool: the runs and the space.
        recipe_point: the values that the recipe has.
        trials: the number of trials to spend.
        seed: of the search.
        on_progress: called with the number of trials done and a short text about the best one.
    """
    plain: Values = tuple(parameter.neutral for parameter in pool.space)

    def judge(values: Values) -> float:
        return pool.measures(values)[0].total()

    def on_trial(trial: Trial) -> None:
        on_progress(min(trial.number, trials), f"best {figure.text(search.best.value)}")

    figure = pool.figure
    search = Search(pool.space, judge, trials, on_trial, higher_is_better=bool(figure.higher_is_better))
    search.run(list(dict.fromkeys((plain, recipe_point))), seed)
    best = search.best
    (measure, errors), (base, base_errors) = pool.measures(best.values), pool.measures(plain)
    low, high = interval(measure, groups=pool.groups)
    fewer = _of_sentences(errors) - _of_sentences(base_errors)
    without = tuple(search.value(search.without(best.values, n)) for n in range(len(pool.space)))
    decode = pool.at(best.values)
    if not pool.decode.temperature:
        decode = replace(decode, temperature=pool.temperature(best.values))
    return TuneOutcome(
        pool.space,
        tuple(sorted(search.done.values(), key=search.order)),
        best,
        search.done[plain],
        search.done[recipe_point],
        without,
        measure.name,
        len(measure.row),
        low,
        high,
        paired(measure, base, groups=pool.groups),
        int((fewer < 0).sum()),
        int((fewer > 0).sum()),
        decode,
    )


def as_json(outcome: TuneOutcome) -> dict[str, Any]:
    """The outcome as a JSON object."""
    keys = [parameter.key for parameter in outcome.space]
    return {
        "metric": outcome.figure,
        "value": _defined(outcome.best.value),
        "interval": [_defined(outcome.low), _defined(outcome.high)],
        "plain": _defined(outcome.plain.value),
        "recipe": _defined(outcome.given.value),
        "changes": list(outcome.changes),
        "gain": [_defined(x) for x in (outcome.gain.difference, outcome.gain.low, outcome.gain.high)],
        "sentences": {"all": outcome.sentences, "better": outcome.better, "worse": outcome.worse},
        "best": dict(zip(keys, outcome.best.values, strict=True)),
        "without": {key: _defined(value) for key, value in zip(keys, outcome.without, strict=True)},
        "temperature": outcome.decode.temperature,
        "trials": [
            {"number": t.number, "value": _defined(t.value), **dict(zip(keys, t.values, strict=True))}
            for t in outcome.trials
        ],
    }


def _of_sentences(measure: Measure) -> Floats:
    """The errors of each sentence."""
    return np.asarray(measure.rows[measure.row, 0])


def _defined(value: float) -> float | None:
    return None if value != value else value


def figures_by_value(trials: Sequence[Trial], place: int) -> tuple[list[float], list[float]]:
    """The values of one parameter in all trials, ascending, and the figures of these trials."""
    pairs = sorted((trial.values[place], trial.value) for trial in trials)
    return [value for value, _ in pairs], [figure for _, figure in pairs]
