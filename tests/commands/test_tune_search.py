"""The search of `signkit tune`: its laws on functions whose minimum is known."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.commands.tune.search import Search, Trial, Values
from signkit.commands.tune.space import Parameter

SPACE = (
    Parameter("decode.fusion.0.weight", 0.0, 1.5, 0.0),
    Parameter("decode.length_reward", -1.0, 3.0, 0.0),
    Parameter("decode.acoustic_scale", 0.5, 1.2, 1.0),
)
PLAIN = (0.0, 0.0, 1.0)


def searched(judge: Callable[[Values], float], trials: int = 80, seed: int = 1) -> Search:
    search = Search(SPACE, judge, trials)
    search.run([PLAIN], seed)
    return search


def bowl(at: Values) -> Callable[[Values], float]:
    return lambda values: sum(
        ((v - w) / (p.high - p.low)) ** 2 for v, w, p in zip(values, at, SPACE, strict=True)
    )


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), shares=st.tuples(*[st.floats(0, 1)] * 3))
def test_the_bottom_of_a_bowl_is_found(seed: int, shares: Values) -> None:
    """To a hundredth of each range, wherever it lies."""
    at = tuple(p.at(share) for p, share in zip(SPACE, shares, strict=True))
    best = searched(bowl(at), trials=120, seed=seed).best
    assert all(abs(v - w) <= 0.03 * (p.high - p.low) for v, w, p in zip(best.values, at, SPACE, strict=True))


def test_a_figure_may_be_better_when_it_is_higher() -> None:
    judge = bowl((0.4, 1.0, 0.8))
    search = Search(SPACE, lambda values: -judge(values), 80, higher_is_better=True)
    search.run([PLAIN], 1)
    assert [each.values for each in search.done.values()] == [*searched(judge).done]
    assert search.best.values == searched(judge).best.values


def test_a_seed_gives_the_same_trials() -> None:
    judge = bowl((0.4, 1.0, 0.8))
    first, second = (searched(judge, seed=3).done for _ in range(2))
    assert first == second
    assert searched(judge, seed=4).done != first


def test_no_point_is_tried_twice_and_trials_are_counted() -> None:
    tried: list[Values] = []

    def judge(values: Values) -> float:
        tried.append(values)
        return bowl((0.4, 1.0, 0.8))(values)

    search = searched(judge, trials=40)
    assert len(tried) == len(set(tried)) == len(search.done)
    assert [trial.number for trial in search.done.values()] == list(range(1, len(tried) + 1))
    assert tried[0] == PLAIN
    assert 40 <= len(tried) <= 40 + 2 * len(SPACE)


def test_of_equal_points_the_one_that_changes_least_wins() -> None:
    """All the same: plain decoding. A threshold in one parameter: the others stay as they were."""
    assert searched(lambda values: 0.25).best == Trial(1, PLAIN, 0.25)
    best = searched(lambda values: 0.0 if values[1] > 0.5 else 1.0).best
    assert best.value == 0.0
    assert (best.values[0], best.values[2]) == (0.0, 1.0)


def test_each_parameter_is_set_back_at_the_end() -> None:
    search = searched(bowl((0.75, 1.0, 0.7)))
    for place in range(len(SPACE)):
        assert search.without(search.best.values, place) in search.done


def test_a_point_outside_the_space_is_never_the_best() -> None:
    """Plain decoding is tried for comparison, though the user forbids a weight of 0."""
    space = (Parameter("decode.fusion.0.weight", 0.2, 0.8, 0.0),)
    search = Search(space, lambda values: values[0], 20)
    search.run([(0.0,)], 1)
    assert search.best.values == (0.2,)
    assert search.done[(0.0,)].value == 0.0
