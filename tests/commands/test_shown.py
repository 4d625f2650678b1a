"""What a grid and a tuning show: notes, sentences, the figure of all trials."""

from dataclasses import replace
from math import nan, sqrt
from pathlib import Path

import pytest

from signkit.commands.grid.show import OTHER_DATA, GridPoint, GridResult, print_grid
from signkit.commands.tune.outcome import TuneOutcome
from signkit.commands.tune.search import Trial
from signkit.commands.tune.show import _figure, sentences
from signkit.commands.tune.space import Parameter
from signkit.decode.configs import LatticeConfig
from signkit.eval.bootstrap import PairedBootstrap
from signkit.eval.figures import metric
from signkit.types import Score


@pytest.mark.parametrize(
    ("settings", "noted"),
    [
        ([{"train.lr": "1"}, {"train.lr": "2"}], False),
        ([{"data.train": "9", "train.lr": "1"}, {"data.train": "9", "train.lr": "2"}], False),
        ([{"data.train": "9"}, {"data.train": "8"}], True),
        ([{"data": "{name: synthetic}"}, {"data": "{name: synthetic, dev: 9}"}], True),
        ([{"data": "{name: synthetic}"}], False),
    ],
)
def test_a_grid_over_data(
    settings: list[dict[str, str]], noted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The note is there if a key of `data` has several values."""
    dev = Score("wer", 0.25, "dev")
    points = [GridPoint(each, Path("run"), "finished", dev) for each in settings]
    print_grid(GridResult(metric("wer"), tuple(points)), as_json=False)
    assert (OTHER_DATA in capsys.readouterr().out.splitlines()) is noted


def test_a_grid_in_python() -> None:
    point = GridPoint({"train.lr": "1"}, Path("runs/a"), "finished", Score("wer", 0.25, "dev"))
    result = GridResult(metric("wer"), (point, GridPoint({"train.lr": "2"}, state="failed")))
    best = "<run train.lr=1, finished, dev WER 25.00 %, runs/a>"
    assert repr(result) == f"<grid of 2 runs, ranked by WER of dev; best: {best}>"
    assert repr(result.points[1]) == "<run train.lr=2, failed>"


def outcome(best: float, plain: float, *changes: str) -> TuneOutcome:
    """Of a search over one parameter."""
    first, second = Trial(1, (0.0,), plain), Trial(2, (1.0,), best)
    gain = PairedBootstrap(difference=best - plain, low=nan, high=nan, p_value=nan, resamples=0)
    return TuneOutcome(
        space=(Parameter("decode.length_reward", 0.0, 2.0, 0.0, False),), trials=(second, first),
        best=second, plain=first, given=replace(second, value=0.3), without=(plain,),
        figure="wer", sentences=4, low=nan, high=nan, gain=gain, better=1, worse=0,
        decode=LatticeConfig(), changes=changes,
    )  # fmt: skip


def test_the_recipe_before_tuning_is_named() -> None:
    """As it was, or with what was set."""
    start = "WER 20.0 %; plain decoding 40.0 %, the recipe"
    assert sentences(outcome(0.2, 0.4))[0] == f"{start} as it was 30.0 %."
    set_ = outcome(0.2, 0.4, "mine.yaml", "decode.beam=8")
    assert sentences(set_)[0] == f"{start} with mine.yaml, decode.beam=8 30.0 %."


@pytest.mark.parametrize(("best", "plain"), [(0.0, 0.4), (0.2, 0.21), (0.3, 0.3), (0.0, 0.0), (0.1, 2.0)])
def test_no_mark_of_the_figure_is_cut(best: float, plain: float) -> None:
    """The marks of the best trial and of plain decoding are whole within the plot."""
    from matplotlib import pyplot

    figure = _figure(outcome(best, plain))
    figure.canvas.draw()
    axes = figure.axes[0]
    box = axes.get_window_extent()
    for marks in axes.collections:
        radius = sqrt(marks.get_sizes()[0]) / 2 * figure.dpi / 72
        for x, y in axes.transData.transform(marks.get_offsets()):
            assert box.x0 + radius <= x <= box.x1 - radius
            assert box.y0 + radius <= y <= box.y1 - radius
    pyplot.close(figure)
