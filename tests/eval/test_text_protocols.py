"""The protocols of spoken sentences: both conventions from any kind of file, and sacrebleu's own figures."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signkit.errors import UserError
from signkit.eval.comparison import compare
from signkit.eval.figures import metric
from signkit.eval.metrics import main_figure
from signkit.eval.pairing import with_final_period
from signkit.eval.protocols import Protocol, Variant, load
from signkit.eval.results import main_score
from signkit.eval.scores import Resampling, Scored, score

NO_INTERVALS = Resampling(resamples=0)
FIGURES = ("bleu4", "bleu3", "bleu2", "bleu1", "chrf", "rouge_l")
GERMAN = ["und", "am", "tag", "ist", "es", "im", "norden", "freundlich", "mit", "viel", "sonne"]
CHINESE = "今天我想吃面条你和小张"


def corpus(seed: int, wrong: float, size: int = 60) -> list[str]:
    """German sentences with a final period; a seed decides which of their words are other ones."""
    draw = np.random.default_rng(5)
    sentences = [
        [GERMAN[i] for i in draw.integers(0, len(GERMAN), draw.integers(5, 12))] for _ in range(size)
    ]
    draw = np.random.default_rng(seed)
    changed = [[draw.choice(GERMAN) if draw.random() < wrong else w for w in words] for words in sentences]
    return [" ".join([*words, "."]) for words in changed]


def without(texts: list[str]) -> list[str]:
    return [text.removesuffix(" .") for text in texts]


def values(scored: Scored) -> dict[str, float]:
    return {each.name: each.value for each in scored.scores}


def of_command(tmp_path: Path, references: list[str], hypotheses: list[str], *options: str) -> float:
    """What sacrebleu's own command prints for two files, as a fraction."""
    for name, texts in (("r.txt", references), ("h.txt", hypotheses)):
        (tmp_path / name).write_text("\n".join(texts) + "\n", encoding="utf-8")
    files = [str(tmp_path / "r.txt"), "-i", str(tmp_path / "h.txt"), "--format", "json", "-w", "12"]
    done = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *files, *options], capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout)["score"]) / 100


FLOOR_ZERO = ("-m", "bleu", "-s", "floor", "-sv", "0", "--force")


def test_the_figures_are_those_of_sacrebleus_command(tmp_path: Path) -> None:
    references, hypotheses = corpus(0, 0.0), corpus(1, 0.4)
    found = values(score(references, hypotheses, "phoenix2014t_text", resampling=NO_INTERVALS))
    words = ("-tok", "none", *FLOOR_ZERO)
    bleu4 = of_command(tmp_path, references, hypotheses, *words)
    assert found["bleu4"] == pytest.approx(bleu4, abs=1e-9)
    assert found["chrf"] == pytest.approx(
        of_command(tmp_path, references, hypotheses, "-m", "chrf"), abs=1e-9
    )
    bare = of_command(tmp_path, without(references), without(hypotheses), *words)
    assert found["bleu4_no_period"] == pytest.approx(bare, abs=1e-9)
    assert bleu4 > bare


def test_the_figures_of_characters_are_those_of_sacrebleus_command(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    references = ["".join(CHINESE[i] for i in draw.integers(0, len(CHINESE), 9)) + "。" for _ in range(40)]
    hypotheses = ["".join(c if draw.random() < 0.7 else "他" for c in text) for text in references]
    found = values(score(references, hypotheses, "csl_daily_text", resampling=NO_INTERVALS))
    bleu4 = of_command(tmp_path, references, hypotheses, "-tok", "char", *FLOOR_ZERO)
    assert tuple(found) == FIGURES
    assert found["bleu4"] == pytest.approx(bleu4, abs=1e-9)


@pytest.mark.parametrize("references", ["with", "without"])
@pytest.mark.parametrize("hypotheses", ["with", "without", "attached"])
def test_the_kind_of_file_does_not_matter(references: str, hypotheses: str) -> None:
    left, right = corpus(0, 0.0), corpus(1, 0.4)
    expected = score(left, right, "phoenix2014t_text")
    left = left if references == "with" else without(left)
    if hypotheses != "with":
        right = [text + ("." if hypotheses == "attached" else "") for text in without(right)]
    found = score(left, right, "phoenix2014t_text")
    assert found.scores == expected.scores
    assert [each.name for each in found.scores] == [*FIGURES, *(f"{name}_no_period" for name in FIGURES)]


@pytest.mark.parametrize(
    ("text", "added", "removed"),
    [
        ("es regnet .", "es regnet .", "es regnet"),
        ("es regnet", "es regnet .", "es regnet"),
        ("es regnet.", "es regnet .", "es regnet"),
        ("es regnet . ", "es regnet .", "es regnet"),
        ("um 3 . mai", "um 3 . mai .", "um 3 . mai"),
        ("na ...", "na ... .", "na ..."),
        (".", ".", ""),
        ("", "", ""),
    ],
)
def test_the_final_period(text: str, added: str, removed: str) -> None:
    assert with_final_period(text, "added") == added
    assert with_final_period(text, "removed") == removed
    assert with_final_period(text, "kept") == text
    assert with_final_period(added, "added") == added


def test_an_empty_translation_gets_no_period() -> None:
    found = score(["a b c d .", "e f g h ."], ["a b c d", ""], "phoenix2014t_text", resampling=NO_INTERVALS)
    assert values(found)["rouge_l"] == 0.5
    assert found.notes == ("hypotheses: 1 text is empty, of 2",)


def test_empty_references_are_noted_and_none_at_all_are_undefined() -> None:
    found = score(["", "a b"], ["a b", "a b"], "phoenix2014t_text", resampling=NO_INTERVALS)
    assert found.notes == ("references: 1 text is empty, of 2",)
    found = score([""], ["a b"], "phoenix2014t_text", resampling=NO_INTERVALS)
    assert str(found["bleu4"].value) == "nan" and found["bleu4"].note == "undefined: nothing to divide by"


def test_missing_translations_are_not_called_empty() -> None:
    found = score(
        {"1": "a b", "2": "c d"},
        {"1": "a b"},
        "phoenix2014t_text",
        missing="deletions",
        resampling=NO_INTERVALS,
    )
    assert found.notes == ()


def test_the_signature_names_the_convention() -> None:
    texts = corpus(0, 0.0)
    found = score(texts, texts, "phoenix2014t_text", resampling=NO_INTERVALS)
    common, variant = found.signatures
    assert common.startswith("protocol:phoenix2014t_text|rules:") and "|final-period:added|" in common
    assert variant.startswith("protocol:phoenix2014t_text/no_period|") and "|final-period:removed|" in variant
    assert found["bleu4"].signature.startswith(
        f"{common}|order:4|nrefs:1|case:mixed|eff:no|tok:none|smooth:none|"
    )
    assert found["bleu4_no_period"].signature.startswith(f"{variant}|order:4|")
    assert found["rouge_l"].signature == f"{common}|unit:word|beta:1.2|mean:sentences"
    assert "final-period" not in score(texts, texts).signature


def test_rouge_l_of_characters_by_hand() -> None:
    """今天好 and 今好吗 share 今 and 好: of three characters each."""
    found = score(["今天好"], ["今好吗"], "csl_daily_text", metrics=["rouge_l"], resampling=NO_INTERVALS)
    assert found["rouge_l"].value == pytest.approx(2 / 3, abs=1e-15)
    assert found["rouge_l"].signature.endswith("|unit:character|beta:1.2|mean:sentences")


def test_words_are_scored_where_both_sides_have_them() -> None:
    references, hypotheses = ["今天 天气 很 好 。", "我 想 吃 面条"], ["今天 天气 好 。", "我 想 吃 面条"]
    found = score(references, hypotheses, "csl_daily_text", resampling=NO_INTERVALS)
    of_words = [*(f"{name}_words" for name in FIGURES if name != "chrf")]
    assert [each.name for each in found.scores] == [*FIGURES, *of_words]
    expected = score(references, hypotheses, "plain", metrics=["bleu"], resampling=NO_INTERVALS)
    assert found["bleu4_words"].value == expected["bleu4"].value
    joined = ["".join(text.split()) for text in hypotheses]
    found = score(references, joined, "csl_daily_text", resampling=NO_INTERVALS)
    assert tuple(values(found)) == FIGURES
    assert found.notes == ("no figures by words: hypotheses has no blanks between words",)


def test_blanks_do_not_change_the_figures_of_characters() -> None:
    references, hypotheses = ["今天 天气 很 好 。", "我 想 吃 面条"], ["今天 天气 好 。", "我 想 吃 面"]
    parted = values(score(references, hypotheses, "csl_daily_text", resampling=NO_INTERVALS))
    sides = (["".join(text.split()) for text in side] for side in (references, hypotheses))
    joined = values(score(*sides, "csl_daily_text", resampling=NO_INTERVALS))
    assert joined == {name: parted[name] for name in FIGURES}


def test_composed_and_decomposed_letters_are_equal() -> None:
    composed, decomposed = "nord\u00fcber w\u00e4rmer ist es", "nordu\u0308ber wa\u0308rmer ist es"
    found = score([composed], [decomposed], "phoenix2014t_text", resampling=NO_INTERVALS)
    assert {each.value for each in found.scores} == {1.0}


def test_no_smoothing_is_0_where_an_order_has_no_match() -> None:
    sides = (["a b c d e"], ["a b c x e"])
    rough = score(*sides, Protocol(name="x", metrics=("bleu",), smoothing="none"), resampling=NO_INTERVALS)
    smooth = score(*sides, Protocol(name="x", metrics=("bleu",)), resampling=NO_INTERVALS)
    assert values(rough) | {"bleu4": values(smooth)["bleu4"]} == values(smooth)
    assert rough["bleu4"].value == 0 < smooth["bleu4"].value


def test_bleu_4_is_the_main_figure() -> None:
    for name in ("phoenix2014t_text", "csl_daily_text"):
        protocol = load(name)
        assert main_figure(protocol) == "bleu4" and metric("bleu4").higher_is_better
        texts = ["a b c d e"]
        first = main_score(score(texts, texts, protocol, split="dev").scores, "dev")
        assert first is not None and first.name == "bleu4"


def test_seen_sentences_have_the_main_figure() -> None:
    train = frozenset({("a", "b", "c", "d", ".")})
    found = score(
        ["a b c d", "e f g h"],
        ["a b c d", "e f g x"],
        "phoenix2014t_text",
        train=train,
        resampling=NO_INTERVALS,
    )
    assert found["seen_share"].note == "1 of 2 sentences"
    assert (found["bleu4_seen"].value, found["bleu4_seen"].note) == (1.0, "1 sentences")
    assert found["bleu4_unseen"].value < 1


def test_systems_are_compared_in_every_figure() -> None:
    references = corpus(0, 0.0)
    found = compare(references, {"a": corpus(1, 0.2), "b": corpus(2, 0.5)}, "phoenix2014t_text").comparisons
    assert [each.metric for each in found] == [*FIGURES, *(f"{name}_no_period" for name in FIGURES)]
    assert {(each.test, each.better) for each in found} == {("bootstrap", "a")}
    assert all(0 < each.low < each.difference < each.high for each in found)
    assert {each.p_value for each in found} == {1 / 1001}


def test_intervals_hold_every_figure() -> None:
    found = score(corpus(0, 0.0), corpus(1, 0.4), "phoenix2014t_text").scores
    assert all(each.low < each.value < each.high for each in found)


def test_only_the_metrics_asked_for_have_variants() -> None:
    texts = corpus(0, 0.0)
    found = score(texts, texts, "phoenix2014t_text", metrics=["wer", "chrf"], resampling=NO_INTERVALS)
    assert [each.name for each in found.scores] == ["wer", "chrf", "chrf_no_period"]


def test_names_of_variants_are_presented_as_their_metrics() -> None:
    shown = metric("bleu4_no_period")
    assert (shown.title, shown.unit, shown.higher_is_better) == ("BLEU-4, no period", "points", True)
    assert metric("wer_greedy").short == "greedy"
    assert metric("bleu4_seen").title == "BLEU-4, seen in train"
    assert metric("my_own").title == "my own" and metric("my_own").higher_is_better is False


def test_variants_and_defaults_do_not_change_the_digest() -> None:
    plain, text = load("plain"), load("phoenix2014t_text")
    assert plain.digest == "8bf471a9"
    assert replace(text, variants=()).digest == text.digest
    assert text.by_variant(text.variants[0]).digest != text.digest
    assert replace(plain, smoothing="none").digest != plain.digest


def test_faults_of_variants() -> None:
    with pytest.raises(UserError, match="^name: must be one word of letters, digits and underscores$"):
        Variant(name="no period", metrics=("bleu",))
    twice = (Variant(name="a", metrics=("bleu",)),) * 2
    with pytest.raises(UserError, match="^variants: `a` occurs twice$"):
        Protocol(name="x", variants=twice)
