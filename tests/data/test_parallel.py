"""The corpus of sentences and their translations."""

from pathlib import Path

import pytest
from translated import PAIRS, write_pairs

from signkit.data.corpora.configs import CslDailyConfig, Phoenix2014tConfig
from signkit.data.corpora.parallel import read
from signkit.data.corpora.phoenix2014t import read as read_phoenix
from signkit.data.corpora.text_configs import ParallelConfig
from signkit.data.synthetic.folders import LayoutOptions, write_layout
from signkit.errors import UserError, UserErrors
from signkit.testing import check_corpus
from signkit.types import Text


def config(root: Path, **options: object) -> ParallelConfig:
    return ParallelConfig(root=str(root), **options)  # type: ignore[arg-type]


def test_lines(tmp_path: Path) -> None:
    corpus = check_corpus(config(write_pairs(tmp_path)))
    assert (corpus.layout, corpus.width) == ("text", 1)
    assert [len(corpus.split(each)) for each in ("train", "dev", "test")] == [12, 4, 4]
    first = corpus.samples[0]
    assert (first.id, first.load()) == ("train-000001", Text(tuple(PAIRS[0][0].split())))
    assert (first.reference, first.text) == (tuple(PAIRS[0][1].split()), PAIRS[0][1])
    assert first.glosses == ("MORGEN", "NORD", "REGEN")


def test_columns_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"id": "a", "gloss": "ICH GUT", "text": "mir geht es gut"}\n')
    (tmp_path / "dev.jsonl").write_text('{"id": "b", "gloss": "DU", "text": "und dir ?"}\n')
    corpus = read(config(tmp_path, source="{split}.jsonl", text=""))
    assert [(each.id, each.split, each.text) for each in corpus.samples] == [
        ("a", "train", "mir geht es gut"),
        ("b", "dev", "und dir ?"),
    ]


def test_sources_are_cleaned_by_a_protocol(tmp_path: Path) -> None:
    """As hypotheses are that are scored by it; the texts stay."""
    (tmp_path / "train.gloss").write_text("__ON__ loc-NORD REGEN REGEN __OFF__\nSONNE\n", encoding="utf-8")
    (tmp_path / "train.txt").write_text("__ON__ im norden regen regen\nsonne\n", encoding="utf-8")
    first, second = read(config(tmp_path, clean="phoenix2014t")).samples
    assert (first.glosses, first.text) == (("NORD", "REGEN"), "__ON__ im norden regen regen")
    assert second.load() == Text(("SONNE",))
    assert read(config(tmp_path)).samples[0].glosses[0] == "__ON__"
    (tmp_path / "train.gloss").write_text("__ON__\nSONNE\n", encoding="utf-8")
    with pytest.raises(UserError, match="train-000001 has an empty source"):
        read(config(tmp_path, clean="phoenix2014t"))
    with pytest.raises(UserError, match="nonsense"):
        read(config(tmp_path, clean="nonsense"))


def test_more_sources_and_pairs_join_train(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    (tmp_path / "train.recognised").write_text("MORGEN REGEN\n" * 12)
    (tmp_path / "made.csv").write_text("id,gloss,text\nx,SCHNEE,es schneit\n")
    corpus = read(config(tmp_path, more_sources=("{split}.recognised",), more_pairs=("made.csv",)))
    train, dev = corpus.split("train"), corpus.split("dev")
    assert (len(train), len(dev)) == (25, 4)
    assert train[12].glosses == ("MORGEN", "REGEN") and train[12].text == train[0].text
    assert (train[24].id, train[24].text) == ("train+2-x", "es schneit")


def test_other_numbers_of_lines(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    (tmp_path / "dev.txt").write_text("eins\nzwei\n")
    with pytest.raises(UserError) as caught:
        read(config(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}/dev.txt: has 2 sentences, and {tmp_path}/dev.gloss has 4; "
        "the n-th text is that of the n-th source"
    )


def test_empty_lines(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    lines = (tmp_path / "train.gloss").read_text().splitlines()
    (tmp_path / "train.gloss").write_text("\n".join([*lines[:3], "", *lines[4:11], " "]) + "\n")
    with pytest.raises(UserErrors) as caught:
        read(config(tmp_path))
    assert [str(each) for each in caught.value.faults] == [
        f"{tmp_path}/train.gloss:4: train-000004 has an empty source",
        f"{tmp_path}/train.gloss:12: train-000012 has an empty source",
    ]
    corpus = read(config(tmp_path, empty="skip"))
    assert (len(corpus.split("train")), len(corpus.left_out)) == (10, 2)
    (tmp_path / "dev.txt").write_text("a\n\nb\nc\n")  # a score on a part of dev would be another score
    with pytest.raises(UserError, match="dev-000002 has an empty text"):
        read(config(tmp_path, empty="skip"))


def test_other_ids(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,gloss\na,X\nb,Y\n")
    (tmp_path / "train.text.csv").write_text("id,text\na,x\nc,y\n")
    with pytest.raises(UserError) as caught:
        read(config(tmp_path, source="{split}.csv", text="{split}.text.csv"))
    assert str(caught.value) == (
        f"{tmp_path}/train.text.csv:3: is c, and the source in its place is b; both files need the same order"
    )


def test_the_glosses_of_an_official_folder(tmp_path: Path) -> None:
    """Frames are not needed: they are deleted first."""
    options = LayoutOptions(
        layout="phoenix2014t", train=4, dev=1, test=1, glosses=12, size=(24, 24), signers=2
    )
    write_layout(tmp_path, options)
    for frame in tmp_path.rglob("*.png"):
        frame.unlink()
    corpus = read_phoenix(Phoenix2014tConfig(root=str(tmp_path), written=True, reference="text"))
    assert (corpus.layout, len(corpus.samples)) == ("text", 6)
    first = corpus.samples[0]
    assert first.load() == Text(first.glosses)
    assert " ".join(first.reference) == first.text != " ".join(first.glosses)


@pytest.mark.parametrize("kind", [Phoenix2014tConfig, CslDailyConfig])
def test_options_that_do_not_go_together(kind: type) -> None:
    with pytest.raises(UserError, match=r"^data\.written: has the glosses read, and data\.reference has"):
        kind(root="x", written=True)
    with pytest.raises(UserError, match=r"^data\.landmarks: has no effect"):
        kind(root="x", written=True, reference="text", landmarks="y")
