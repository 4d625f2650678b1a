"""The space of `signkit tune`: usual ranges, words read strictly, points put into the section."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signkit.commands.tune.space import Parameter, read_space, value_of, with_values
from signkit.decode.configs import LatticeConfig
from signkit.decode.external.configs import InternalConfig, LexiconConfig, NgramConfig
from signkit.errors import UserError

PARTS = LatticeConfig(
    fusion=(NgramConfig(weight=0.3), InternalConfig(weight=-0.2), LexiconConfig(file="words.txt")),
    rescore=(NgramConfig(order=4),),
)


def keys(space: tuple[Parameter, ...]) -> list[str]:
    return [f"{p.key}={p.low:g}:{p.high:g}" for p in space]


def test_the_usual_space() -> None:
    """Every weight but a constraint's; what is subtracted stays so; the context's scale if there is one."""
    found = read_space([], PARTS)
    assert keys(found) == [
        "decode.fusion.0.weight=0:1.5",
        "decode.fusion.1.weight=-1:0",
        "decode.rescore.0.weight=0:1.5",
        "decode.length_reward=-1:3",
        "decode.acoustic_scale=0.5:1.2",
        "decode.context_scale=0:1.5",
    ]
    assert [p.neutral for p in found] == [0, 0, 0, 0, 1, 1]
    assert keys(read_space([], LatticeConfig(), LatticeConfig().idle(context=False))) == [
        "decode.length_reward=-1:3",
        "decode.acoustic_scale=0.5:1.2",
    ]
    assert keys(read_space([], LatticeConfig(beam=1), LatticeConfig(beam=1).idle(context=True))) == [
        "decode.acoustic_scale=0.5:1.2",
        "decode.context_scale=0:1.5",
    ]


def test_named_parameters() -> None:
    found = read_space(
        ["decode.beam=4:24", "decode.fusion.2.weight=1e-1:1"], PARTS, PARTS.idle(context=False)
    )
    assert found == (
        Parameter("decode.beam", 4.0, 24.0, 8.0, whole=True),
        Parameter("decode.fusion.2.weight", 0.1, 1.0, 0.0),
    )
    assert found[0].at(0.5) == 14
    decode = with_values(PARTS, found, (14.0, 0.25))
    assert (decode.beam, type(decode.beam), value_of(decode, "decode.fusion.2.weight")) == (14, int, 0.25)
    assert decode.fusion[:2] == PARTS.fusion[:2]


@given(share=st.floats(0, 1), low=st.floats(-5, 4), width=st.floats(0.01, 9))
def test_a_point_lies_in_its_range(share: float, low: float, width: float) -> None:
    """Rounded to about a hundredth of it, so that a recipe reads well."""
    parameter = Parameter("decode.length_reward", low, low + width, 0.0)
    value = parameter.at(share)
    assert parameter.holds(value)
    assert abs(value - (low + share * width)) <= 0.051 * width


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("x", "not of the form KEY=LOW:HIGH; such as decode.length_reward=0:2"),
        ("decode.length_reward=1", "not of the form KEY=LOW:HIGH; such as decode.length_reward=0:2"),
        (
            "decode.lenth_reward=0:1",
            "decode.lenth_reward cannot be tuned; did you mean `decode.length_reward`?",
        ),
        ("decode.length_reward=a:1", "'a' is no number"),
        ("decode.length_reward=nan:1", "'nan' is no finite number"),
        ("decode.beam=2:3.5", "'3.5' is no whole number"),
        ("decode.length_reward=2:1", "2 is not below 1; turn them round"),
        ("decode.length_reward=1:1", "1 is not below 1; --set decode.length_reward=1 fixes it"),
        ("decode.acoustic_scale=-1:1", "decode.acoustic_scale must be between 0 and 10, not -1"),
        ("decode.fusion.2.weight=-1:1", "decode.fusion.2.weight must be between 0 and 10, not -1"),
        ("decode.beam=1:8", "decode.beam must be between 2 and 4096, not 1"),
    ],
)
def test_what_is_refused(word: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_space([word], PARTS)
    assert str(caught.value) == f"--space {word}: {message}"


def test_all_faults_at_once() -> None:
    words = ["decode.length_reward=0:1", "decode.length_reward=0:2", "x"]
    with pytest.raises(UserError) as caught:
        read_space(words, PARTS)
    assert str(caught.value) == (
        "--space decode.length_reward=0:2: decode.length_reward is given twice\n"
        "--space x: not of the form KEY=LOW:HIGH; such as decode.length_reward=0:2"
    )


def test_greedy_search_without_context_has_nothing_to_tune() -> None:
    with pytest.raises(UserError) as caught:
        read_space([], LatticeConfig(beam=1), LatticeConfig(beam=1).idle(context=False))
    message = "decode.beam: is 1, greedy search, which changes with none of the parameters"
    assert str(caught.value) == f"{message}; --set decode.beam=8"
