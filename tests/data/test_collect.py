"""Manifests of a folder: what names, folders and annotations become, the laws of splits, every refusal."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from signkit import build_manifest
from signkit.data.collect.build import BuiltManifest
from signkit.data.collect.names import read_pattern
from signkit.data.collect.search import Clip
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.manifest import read
from signkit.errors import UserError

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{media}</HEADER>
<TIME_ORDER>{slots}</TIME_ORDER>{tiers}</ANNOTATION_DOCUMENT>"""

SAYS = "--pattern says what names mean, such as '{gloss}_{take}.mp4' or '{signer}/{gloss}/{take}.mp4'"
EXAMPLE = "; for example '{gloss}_{signer}_{take}.mp4'"
MARK = "; a field holds no text that stands next to it in the pattern, unless it is marked: {gloss+}"
TOGETHER = "name the folder that holds the annotations and the clips"
NO_NAME = " is no name of a .csv; it is written into the folder"


def touch(root: Path, *names: str) -> None:
    """Clips are found by their names and not opened."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def rows(root: Path, file: str = "manifest.csv") -> list[dict[str, str]]:
    with (root / file).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def values(root: Path, *columns: str) -> list[tuple[str, ...]]:
    return sorted(tuple(row[column] for column in columns) for row in rows(root))


def message(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as error:
        build_manifest(root, **options)
    assert not (root / "manifest.csv").exists()
    return str(error.value).replace(f"{root}/", "").replace(str(root), "ROOT")


def takes(glosses: int, takes: int, signers: int = 1) -> list[str]:
    return [
        f"G{gloss}_s{(gloss + take) % signers}_{take}.mp4"
        for gloss in range(glosses)
        for take in range(takes)
    ]


def test_names(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "videos/TREE_ann_1.mp4",
        "videos/TREE_bob_1.MP4",
        "BIG_ann_2.mp4",
        "notes.txt",
        ".hidden.mp4",
    )
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{take}.mp4", dev=0, test=0)
    assert values(tmp_path, "id", "path", "gloss", "split", "signer") == [
        ("BIG_ann_2", "BIG_ann_2.mp4", "BIG", "train", "ann"),
        ("TREE_ann_1", "videos/TREE_ann_1.mp4", "TREE", "train", "ann"),
        ("TREE_bob_1", "videos/TREE_bob_1.MP4", "TREE", "train", "bob"),
    ]
    assert list(rows(tmp_path)[0]) == ["id", "path", "gloss", "split", "signer"]
    assert built.skipped == {"no clip (.txt)": ("notes.txt",)}


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{gloss}_{take}.mp4", "THANK_YOU_1.mp4", None),
        ("{gloss+}_{take}.mp4", "THANK_YOU_1.mp4", {"gloss": "THANK_YOU", "take": "1"}),
        ("{signer}_{gloss+}_{n}.mp4", "ann_A_B_1.mp4", {"signer": "ann", "gloss": "A_B", "n": "1"}),
        ("{signer}_{gloss+}_{take}.mp4", "ann_1.mp4", None),
        ("clip {gloss}.mp4", "clip A.mp4", {"gloss": "A"}),
        ("{gloss}.{take}.mp4", "A.1.mp4", {"gloss": "A", "take": "1"}),
        ("{gloss}.{take}.mp4", "A+1.mp4", None),
        ("{signer}/{gloss}/{take}.mp4", "x/ann/A/1.mp4", {"signer": "ann", "gloss": "A", "take": "1"}),
        ("{signer}/{gloss}_{signer}.mp4", "ann/A_ann.mp4", {"signer": "ann", "gloss": "A"}),
        ("{signer}/{gloss}_{signer}.mp4", "ann/A_bob.mp4", None),
        ("{gloss}_{take}", "A_1.mov", {"gloss": "A", "take": "1"}),
    ],
)  # fmt: skip
def test_a_field_holds_no_text_next_to_it(pattern: str, name: str, expected: dict[str, str] | None) -> None:
    assert read_pattern(pattern).values(Clip(PurePosixPath(name), "video")) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{take}.mp4", "'{take}.mp4' has no field {gloss}, nor {glosses}" + EXAMPLE),
        (
            "{gloss}_{glosses}.mp4",
            "'{gloss}_{glosses}.mp4' has {gloss} and {glosses}" + EXAMPLE,
        ),
        (
            "{gloss}{take}.mp4",
            "nothing tells where one field of {gloss}{take} ends; put something between them",
        ),
        ("{gloss+}_{n+}.mp4", "'{gloss+}_{n+}.mp4' has more than one field with +; only one may have all"),
        (
            "{Gloss}.mp4",
            "'{Gloss}.mp4' has '{Gloss}.mp4', which is no field" + EXAMPLE + "; small letters",
        ),
        (
            "{gloss}_{n}.mp4",
            "1 of 2 names do not match '{gloss}_{n}.mp4': x/B.mp4" + MARK + "; --unmatched skip leaves such "
            "clips out",
        ),
        ("{gloss}.mkv", "no clip matches '{gloss}.mkv'; there are clips of: .mp4"),
    ],
)  # fmt: skip
def test_patterns_that_do_not_fit(tmp_path: Path, pattern: str, expected: str) -> None:
    touch(tmp_path, "A_1.mp4", "x/B.mp4")
    assert message(tmp_path, pattern=pattern) == f"--pattern: {expected}"


@pytest.mark.parametrize("end", [".{ext}", ".{ending}", ".*", ""])
def test_any_ending(tmp_path: Path, end: str) -> None:
    touch(tmp_path, "TREE_1.mp4", "BIG_1.MOV", "sub/TREE.BIG_2.webm")
    build_manifest(tmp_path, pattern="{gloss}_{take}" + end)
    assert values(tmp_path, "gloss", "path") == [
        ("BIG", "BIG_1.MOV"), ("TREE", "TREE_1.mp4"), ("TREE.BIG", "sub/TREE.BIG_2.webm")
    ]  # fmt: skip


def test_names_that_do_not_match_may_be_skipped(tmp_path: Path) -> None:
    touch(tmp_path, "A_1.mp4", "B.mp4", "A.npz")
    built = build_manifest(tmp_path, pattern="{gloss}_{n}.mp4", unmatched="skip", dev=0, test=0)
    assert [entry.id for entry in built.entries] == ["A_1"]
    assert built.skipped == {"not a .mp4": ("A.npz",), "name does not match the pattern": ("B.mp4",)}
    (tmp_path / "manifest.csv").unlink()
    assert message(tmp_path, pattern="{gloss}-{n}.mp4", unmatched="skip") == (
        "--pattern: 2 of 2 names do not match '{gloss}-{n}.mp4': A_1.mp4, B.mp4" + MARK
    )


def test_a_label_is_one_gloss_and_glosses_are_several(tmp_path: Path) -> None:
    touch(tmp_path / "a", "thank  you_1.mp4", "A_1.mp4")
    built = build_manifest(tmp_path / "a", pattern="{gloss}_{n}.mp4", dev=0, test=0)
    assert {entry.gloss for entry in built.entries} == {"thank_you", "A"}
    assert built.notes == ("1 labels with spaces are one gloss each: 'thank  you' is thank_you",)
    assert {entry.id for entry in built.entries} == {"thank_you_1", "A_1"}
    touch(tmp_path / "b", "MY NAME ANN_1.mp4")
    built = build_manifest(tmp_path / "b", pattern="{glosses}_{n}.mp4", dev=0, test=0)
    assert [entry.glosses for entry in built.entries] == [("MY", "NAME", "ANN")]


@pytest.mark.parametrize(("word", "split"), [("train", "train"), ("VAL", "dev"), ("Testing", "test")])
def test_splits_in_names(tmp_path: Path, word: str, split: str) -> None:
    touch(tmp_path, "train/A/1.mp4", f"{word}/B/2.mp4")
    build_manifest(tmp_path, pattern="{split}/{gloss}/{n}.mp4")
    assert values(tmp_path, "gloss", "split") == [("A", "train"), ("B", split)]


def test_folders_by_label(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "tree/1.mp4",
        "tree/2.mov",
        "thank you/1.mp4",
        "thank you/frames/1.png",
        "thank you/frames/2.png",
    )
    build_manifest(tmp_path, dev=0, test=0)
    assert values(tmp_path, "id", "path", "gloss") == [
        ("thank_you/1", "thank you/1.mp4", "thank_you"),
        ("thank_you/frames", "thank you/frames", "thank_you"),
        ("tree/1", "tree/1.mp4", "tree"),
        ("tree/2", "tree/2.mov", "tree"),
    ]


def test_folders_by_split_and_label(tmp_path: Path) -> None:
    touch(tmp_path, "train/tree/1.mp4", "valid/tree/1.mp4", "test/big/1.mp4", "train/test/1.mp4")
    built = build_manifest(tmp_path)
    assert values(tmp_path, "id", "gloss", "split") == [
        ("test/big/1", "big", "test"),
        ("train/test/1", "test", "train"),
        ("train/tree/1", "tree", "train"),
        ("valid/tree/1", "tree", "dev"),
    ]
    assert (built.unseen("dev"), built.unseen("test")) == ({}, {"big": 1})


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (["a.txt"], {}, "ROOT: holds no clips: no videos, folders of frames, or landmarks"),
        (
            ["a/1.mp4", "2.mp4"],
            {},
            "manifest: 1 of 2 clips are not in LABEL/ or SPLIT/LABEL/: 2.mp4; " + SAYS,
        ),
        (
            ["ann/a/1.mp4", "bob/b/1.mp4"],
            {},
            "manifest: 2 of 2 clips are not in LABEL/ or SPLIT/LABEL/: ann/a/1.mp4, bob/b/1.mp4; " + SAYS,
        ),
        (
            ["train/a/1.mp4", "b/1.mp4"],
            {},
            "manifest: train/a/1.mp4 has a split and b/1.mp4 has none; " + SAYS,
        ),
        (
            ["videos/a_1.mp4", "videos/b_1.mp4"],
            {},
            "manifest: all clips are in a folder 'videos', which is no gloss; " + SAYS,
        ),
        (
            ["a/1.mp4", "a/1.npz", "b/1.npz"],
            {},
            "manifest: there are clips of several kinds: 1 video, 2 npz; choose one with --kind",
        ),
        (["a/1.mp4"], {"kind": "pose"}, "--kind: there are no clips of the kind pose; there are: video"),
        (["a/1.mp4"], {"kind": "mp4"}, "--kind: 'mp4' is none of video, npz, pose, parquet, openpose"),
        (["a/1.mp4"], {"file": "../m.csv"}, "--file: '../m.csv'" + NO_NAME),
        (["a/1.mp4"], {"file": "m.txt"}, "--file: 'm.txt'" + NO_NAME),
        (["a/1.mp4", "b/1.mp4"], {"dev": 1.5}, "--dev: 1.5 is no share of the clips; such as 0.1"),
        (["a/1.mp4", "b/1.mp4"], {"dev": 0.5, "test": 0.5}, "--dev: and --test leave nothing for train"),
        (
            ["train/a/1.mp4", "test/b/1.mp4"],
            {"dev": 0.2},
            "--dev: --test and --by are for clips whose names do not say their split",
        ),
        (["dev/a/1.mp4", "dev/b/1.mp4"], {}, "ROOT: no clip is in train"),
        (
            ["a/1.mp4", "b/1.mp4"],
            {"by": "signer"},
            "--by: signer: a/1.mp4 has no signer; the pattern's {signer}, or a tier's participant, "
            "names them",
        ),
        (
            ["a_x.mp4", "b_y.mp4"],
            {"by": "signer", "pattern": "{gloss}_{signer}.mp4"},
            "--by: signer: 2 signers cannot be in 3 splits, each in one; "
            "leave out a split with --dev 0 or --test 0",
        ),
        (
            ["a_x.mp4", "b_x.mp4"],
            {"by": "signer", "pattern": "{gloss}_{signer}.mp4"},
            "--by: signer: all clips are of one signer, 'x', who can be in one split only; "
            "--by gloss divides the clips of a signer",
        ),
        (
            ["a/x.glosses.mp4", "b/y.GLOSSES.mp4"],
            {},
            "ROOT: holds no clips: no videos, folders of frames, or landmarks; "
            "videos with burnt glosses (NAME.glosses.mp4) are no clips",
        ),
        (["a.txt"], {"tiers": ["G"]}, f"ROOT: holds no files of ELAN (.eaf); {TOGETHER}"),
        (
            ["a_x.mp4", "b.mp4"],
            {"pattern": "{gloss}_{take}.{ext}"},
            "--pattern: 1 of 2 names do not match '{gloss}_{take}.{ext}': b.mp4" + MARK
            + "; the pattern has no ending, so names are compared without theirs"
            "; --unmatched skip leaves such clips out",
        ),
        (
            ["a_x.mp4"],
            {"pattern": "{gloss}_*.mp4"},
            "--pattern: '{gloss}_*.mp4' has a `*`, which stands for itself in a pattern; "
            "a field of any name stands for some letters: {take}",
        ),
        (
            ["a_x.mp4"],
            {"tiers": ["G"], "pattern": "{gloss}_{signer}.mp4"},
            "--tier: and --pattern exclude each other; annotations say the glosses",
        ),
        (
            ["a_x.mp4", "b_x.mp4"],
            {"pattern": "{gloss}_{id}.mp4"},
            "--pattern: {id} is 'x' of a_x.mp4 and of b_x.mp4",
        ),
        (
            ["a_foo.mp4"],
            {"pattern": "{gloss}_{split}.mp4"},
            "a_foo.mp4: its split is 'foo', which is none of train, training, dev, development, val, valid, "
            "validation, test, testing",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, names: list[str], options: dict[str, Any], expected: str) -> None:
    touch(tmp_path, *names)
    assert message(tmp_path, **options) == expected


def test_a_manifest_that_is_there_is_kept(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/1.mp4")
    (tmp_path / "manifest.csv").write_text("mine")
    with pytest.raises(UserError) as error:
        build_manifest(tmp_path)
    assert str(error.value) == f"{tmp_path}/manifest.csv: is there already; --force replaces it"
    assert (tmp_path / "manifest.csv").read_text() == "mine"
    build_manifest(tmp_path, file="other.csv")
    build_manifest(tmp_path, force=True)
    assert (tmp_path / "manifest.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_ids_are_short_where_they_can_be(tmp_path: Path) -> None:
    touch(tmp_path / "one", "x/a.mp4", "y/b.mp4")
    assert [entry.id for entry in build_manifest(tmp_path / "one").entries] == ["a", "b"]
    touch(tmp_path / "two", "x/a.mp4", "y/a.mp4", "y/a.mov")
    assert sorted(entry.id for entry in build_manifest(tmp_path / "two").entries) == [
        "x/a",
        "y/a.mov",
        "y/a.mp4",
    ]


def test_names_that_a_manifest_cannot_have(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/1.mp4", "b/x\\y.mp4", 'b/with, "comma".mp4')
    (tmp_path / "a" / "caf\udce9.mp4").touch()
    built = build_manifest(tmp_path)
    assert built.skipped == {
        "name is not UTF-8": ("a/caf\\udce9.mp4",),
        "name has a backslash or a line break, or begins or ends with a space": ("'b/x\\\\y.mp4'",),
    }
    assert {row["path"] for row in rows(tmp_path)} == {"a/1.mp4", "b/1.mp4", 'b/with, "comma".mp4'}


def shares(built: BuiltManifest) -> dict[str, Counter[str]]:
    return {
        split: Counter(gloss for entry in built.split(split) for gloss in entry.glosses)
        for split in ("train", "dev", "test")
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("glosses", "each", "dev", "test"), [(9, 7, 0.1, 0.1), (40, 3, 0.1, 0.1), (5, 40, 0.2, 0.1)]
)
def test_each_gloss_has_its_share(
    tmp_path: Path, seed: int, glosses: int, each: int, dev: float, test: float
) -> None:
    """Give or take a clip, the totals exactly, and one at least in train."""
    touch(tmp_path, *takes(glosses, each))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", dev=dev, test=test, seed=seed)
    found = shares(built)
    for split, share in (("dev", dev), ("test", test)):
        assert found[split].total() == round(share * glosses * each)
        assert all(abs(found[split][f"G{gloss}"] - share * each) < 1.01 for gloss in range(glosses))
        assert not built.unseen(split)
    assert all(found["train"][f"G{gloss}"] >= 1 for gloss in range(glosses))


def test_the_seed_decides(tmp_path: Path) -> None:
    touch(tmp_path, *takes(9, 7))
    files = [
        build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", seed=seed, force=True).file.read_bytes()
        for seed in (0, 0, 1)
    ]
    assert files[0] == files[1] != files[2]


def test_rare_glosses_stay_in_train(tmp_path: Path) -> None:
    """Sentences: of each gloss one is in train before any is held out."""
    rng = np.random.default_rng(0)
    names = [" ".join(f"G{n}" for n in rng.integers(0, 60, 4)) + f"_{place}.mp4" for place in range(100)]
    touch(tmp_path, *names)
    for seed in range(5):
        built = build_manifest(tmp_path, pattern="{glosses}_{n}.mp4", seed=seed, force=True)
        assert (built.unseen("dev"), built.unseen("test")) == ({}, {})
        assert (len(built.split("dev")), len(built.split("test"))) == (10, 10)


def test_too_few_clips_are_told(tmp_path: Path) -> None:
    touch(tmp_path, *takes(20, 1))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4")
    why = "a clip of each gloss stays in train"
    one = "all clips are of one signer, s0: scores do not tell how others are recognised"
    assert built.notes == (f"dev has no clips, not 2: {why}", f"test has no clips, not 2: {why}")
    touch(tmp_path, "G0_s0_1.mp4", "G1_s0_1.mp4")
    few = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", dev=0, test=0.2, force=True)
    assert few.notes == (f"test has 2 clips, not 4: {why}", one)
    (tmp_path / "G1_s0_1.mp4").unlink()
    few = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", dev=0.01, test=0.2, force=True)
    assert few.notes == (
        "dev has no clips: 0.01 of 21 clips is less than one", f"test has 1 clip, not 4: {why}", one
    )  # fmt: skip


def test_splits_by_signer_that_are_small(tmp_path: Path) -> None:
    touch(tmp_path, *(f"G0_a_{n}.mp4" for n in range(38)), "G0_b_0.mp4", "G0_c_0.mp4")
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", by="signer")
    why = "all clips of a signer stay together"
    assert built.notes == (f"dev has 1 clip, not 4: {why}", f"test has 1 clip, not 4: {why}")


def test_signers_of_several_splits_are_told(tmp_path: Path) -> None:
    touch(tmp_path, *takes(4, 10))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4")
    assert built.notes == ("all clips are of one signer, s0: scores do not tell how others are recognised",)
    touch(tmp_path, "G0_s1_11.mp4", "G1_s1_11.mp4")
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", force=True)
    assert built.notes == ("1 of 2 signers of train is in dev or test too; --by signer parts them",)
    touch(tmp_path, *takes(4, 10, signers=2))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", force=True)
    assert built.notes == ("2 of 2 signers of train are in dev or test too; --by signer parts them",)


@pytest.mark.parametrize("seed", range(5))
def test_no_signer_is_in_two_splits(tmp_path: Path, seed: int) -> None:
    touch(tmp_path, *takes(6, 20, signers=10))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", by="signer", seed=seed)
    signers = [{entry.signer for entry in built.split(split)} for split in ("train", "dev", "test")]
    assert [len(each) for each in signers] == [8, 1, 1]
    assert len(set().union(*signers)) == 10
    assert built.notes == ()


def test_a_signer_is_one_however_the_name_is_composed(tmp_path: Path) -> None:
    names = ("M\u00fcller", "Mu\u0308ller")
    touch(tmp_path, *(f"G{n}_{names[n % 2]}_{n}.mp4" for n in range(10)))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", dev=0, test=0)
    assert {entry.signer for entry in built.split("train")} == {"M\u00fcller"}


def test_every_split_gets_a_signer(tmp_path: Path) -> None:
    touch(tmp_path, *takes(6, 6, signers=3))
    built = build_manifest(tmp_path, pattern="{gloss}_{signer}_{n}.mp4", by="signer")
    assert all(built.split(split) for split in ("train", "dev", "test"))


def tier(name: str, *spans: tuple[int, int, str], participant: str = "") -> str:
    """A tier, with its time slots before it."""
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="{name}{n}" TIME_VALUE="{time}"/>'
        for n, time in enumerate(time for span in spans for time in span[:2])
    )
    annotations = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}a{n}" TIME_SLOT_REF1="{name}{2 * n}" '
        f'TIME_SLOT_REF2="{name}{2 * n + 1}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>'
        f"</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for n, (_, _, text) in enumerate(spans)
    )
    of = f' PARTICIPANT="{participant}"' if participant else ""
    return f'{slots}|<TIER LINGUISTIC_TYPE_REF="t" TIER_ID="{name}"{of}>{annotations}</TIER>'


def eaf(path: Path, *tiers: str, media: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    slots, bodies = zip(*(each.split("|") for each in tiers), strict=True)
    path.write_text(EAF.format(media=media, slots="".join(slots), tiers="".join(bodies)), encoding="utf-8")


def linked(url: str = "", relative: str = "", origin: str = "") -> str:
    more = f' TIME_ORIGIN="{origin}"' if origin else ""
    return (
        f'<MEDIA_DESCRIPTOR MEDIA_URL="{url}" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="{relative}"{more}/>'
    )


def test_annotations_become_segments(tmp_path: Path) -> None:
    touch(tmp_path, "v/one.mp4", "two.mp4", "v/three.mp4")
    spans = [(0, 400, "TREE"), (400, 1200, " BIG  HOUSE "), (1200, 1300, ""), (2000, 1900, "X")]
    eaf(tmp_path / "e/one.eaf", tier("G", *spans, participant="ann"), media=linked("", "../v/one.mp4"))
    eaf(tmp_path / "two.eaf", tier("G", (10, 20, "TREE")), tier("H", (0, 9, "NOT")))
    eaf(tmp_path / "other.eaf", tier("H", (0, 9, "NOT")))
    built = build_manifest(tmp_path, tiers=["G"], dev=0, test=0)
    assert sorted(rows(tmp_path), key=lambda row: row["id"]) == [
        {"id": "one_Ga0", "path": "v/one.mp4", "gloss": "TREE", "split": "train", "signer": "ann",
         "start": "0.000", "end": "0.400"},
        {"id": "one_Ga1", "path": "v/one.mp4", "gloss": "BIG HOUSE", "split": "train", "signer": "ann",
         "start": "0.400", "end": "1.200"},
        {"id": "two_Ga0", "path": "two.mp4", "gloss": "TREE", "split": "train", "signer": "",
         "start": "0.010", "end": "0.020"},
    ]  # fmt: skip
    assert built.skipped == {
        "annotation without a value": ("e/one.eaf: Ga2",),
        "annotation without a length": ("e/one.eaf: Ga3",),
        "no tier G": ("other.eaf",),
        "no annotation file": ("v/three.mp4",),
    }


@pytest.mark.parametrize(
    "media",
    [
        linked("file:///C:/Users/x/my%20clip.mp4"),
        linked("file:///C:/Users/x/my clip.mpg"),
        linked("", "./v/my clip.mp4"),
        linked("", "v/my%20clip.mp4"),
        linked("file://ROOT/v/my%20clip.mp4", "./elsewhere.mp4"),
        linked("", r"..\x\my clip.mp4"),
        "",
    ],
)
def test_the_video_of_an_annotation_file(tmp_path: Path, media: str) -> None:
    """By its link, relative or absolute, or by its name, or the annotation file's."""
    touch(tmp_path, "v/my clip.mp4", "v/other.mp4")
    name = "e.eaf" if media else "my clip.eaf"
    eaf(tmp_path / name, tier("G", (0, 9, "A")), media=media.replace("ROOT", str(tmp_path)))
    build_manifest(tmp_path, tiers=["G"])
    assert values(tmp_path, "path") == [("v/my clip.mp4",)]


def test_where_the_media_begin(tmp_path: Path) -> None:
    """ELAN's media offset: annotations count from that time of the video on."""
    touch(tmp_path, "a.mp4")
    eaf(tmp_path / "a.eaf", tier("G", (0, 100, "A")), media=linked("", "./a.mp4", origin="2500"))
    build_manifest(tmp_path, tiers=["G"])
    assert values(tmp_path, "start", "end") == [("2.500", "2.600")]


def test_tracked_landmarks_of_annotated_videos(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.npz")
    eaf(tmp_path / "a.eaf", tier("G", (0, 100, "A")), media=linked("", "./a.mp4"))
    build_manifest(tmp_path, tiers=["G"], kind="npz")
    assert values(tmp_path, "path") == [("a.npz",)]
    build_manifest(tmp_path, tiers=["G"], force=True)
    assert values(tmp_path, "path") == [("a.mp4",)]


def test_tracked_landmarks_in_a_folder_of_their_own(tmp_path: Path) -> None:
    """As `signkit landmarks` writes them: of several of one name the one whose folders are the same."""
    for day in ("monday", "tuesday"):
        touch(tmp_path, f"tracked/{day}/7.npz", f"{day}/7.mp4")
        eaf(tmp_path / day / "7.eaf", tier("G", (0, 100, day.upper())), media=linked("", "./7.mp4"))
    build_manifest(tmp_path, tiers=["G"], kind="npz")
    assert values(tmp_path, "path", "gloss") == [
        ("tracked/monday/7.npz", "MONDAY"), ("tracked/tuesday/7.npz", "TUESDAY")
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_of_links_may_be_composed_or_not(tmp_path: Path, form: Any) -> None:
    other = "NFD" if form == "NFC" else "NFC"
    name = unicodedata.normalize(form, "Grüße.mp4")
    touch(tmp_path, f"v/{name}", "v/other.mp4")
    link = f"file:///x/{unicodedata.normalize(other, 'Grüße.mp4')}"
    for media in (linked(link), linked("", f"v/{unicodedata.normalize(other, name)}")):
        eaf(tmp_path / "e.eaf", tier("G", (0, 9, "A")), media=media)
        build_manifest(tmp_path, tiers=["G"], force=True)
        assert values(tmp_path, "path") == [(f"v/{name}",)]


# Files that `signkit predict` wrote.


def test_videos_with_burnt_glosses_are_no_clips(tmp_path: Path) -> None:
    touch(tmp_path, "TREE/1.mp4", "TREE/1.glosses.mp4", "BIG/2.mp4")
    built = build_manifest(tmp_path)
    assert values(tmp_path, "path") == [("BIG/2.mp4",), ("TREE/1.mp4",)]
    assert built.skipped == {"video with burnt glosses": ("TREE/1.glosses.mp4",)}


def test_annotations_of_a_video_elsewhere_are_not_paired_with_the_burnt_one(tmp_path: Path) -> None:
    """A folder of results: annotations, videos with burnt glosses, and the originals somewhere else."""
    clips, out = tmp_path / "clips", tmp_path / "out"
    touch(tmp_path, "clips/a.mp4", "out/a.glosses.mp4")
    eaf(out / "a.eaf", tier("glosses", (0, 9, "A")), media=linked(f"file://{clips}/a.mp4", "../clips/a.mp4"))
    told = message(out, tiers=["glosses"])
    assert told == (
        "--tier: no annotation can become a row; video with burnt glosses: 1 (a.glosses.mp4); "
        f"its video is not below the folder: 1 (a.eaf: {clips}/a.mp4); {TOGETHER}"
    )
    touch(tmp_path, "out/b.mp4")
    assert message(out, tiers=["glosses"]) == told
    built = build_manifest(tmp_path, tiers=["glosses"], dev=0, test=0)
    assert values(tmp_path, "path") == [("clips/a.mp4",)]
    assert built.notes == ()


def test_annotations_of_a_video_with_burnt_glosses(tmp_path: Path) -> None:
    """The original has the same times: it is used where it is there."""
    touch(tmp_path, "a.glosses.mp4", "v/b.mp4")
    eaf(tmp_path / "a.eaf", tier("G", (0, 9, "A")), media=linked("", "./a.glosses.mp4"))
    reason = "it links the video with burnt glosses, and the original is not below the folder"
    assert message(tmp_path, tiers=["G"]) == (
        "--tier: no annotation can become a row; video with burnt glosses: 1 (a.glosses.mp4); "
        f"{reason}: 1 (a.eaf: a.glosses.mp4); {TOGETHER}"
    )
    touch(tmp_path, "v/a.mp4")
    built = build_manifest(tmp_path, tiers=["G"], dev=0, test=0)
    assert values(tmp_path, "path") == [("v/a.mp4",)]
    assert built.notes == ("a.eaf links a.glosses.mp4, a video with burnt glosses: v/a.mp4 is used",)


def test_a_link_to_another_video_than_the_one_of_its_name_is_told(tmp_path: Path) -> None:
    """A copy of it is not."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(b"the original")
    root = tmp_path / "root"
    media = linked(f"file://{tmp_path}/clips/a.mp4")
    eaf(root / "a.eaf", tier("G", (0, 9, "A")), media=media)
    (root / "a.mp4").write_bytes(b"the original")
    assert build_manifest(root, tiers=["G"], dev=0, test=0).notes == ()
    (root / "a.mp4").write_bytes(b"another")
    eaf(root / "e" / "a.eaf", tier("G", (10, 19, "A")), media=media)
    first = f"a.eaf links {tmp_path}/clips/a.mp4, which is not below the folder: a.mp4 is used"
    built = build_manifest(root, tiers=["G"], dev=0, test=0, force=True)
    assert built.notes == (f"{first}, which has another size (and 1 more)",)
    assert values(root, "path") == [("a.mp4",)] * 2


def test_annotations_that_cannot_be_rows(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    assert message(tmp_path, tiers=["G"]) == f"ROOT: holds no files of ELAN (.eaf); {TOGETHER}"
    eaf(tmp_path / "a.eaf", tier("Glosses", (0, 9, "A")), tier("Text", (0, 9, "")))
    assert message(tmp_path, tiers=["G"]) == "--tier: no file has a tier G; there are: Glosses, Text"
    assert message(tmp_path, tiers=["Text"]) == (
        "--tier: no annotation can become a row; annotation without a value: 1 (a.eaf: Texta0)"
    )
    eaf(tmp_path / "a.eaf", tier("G", (0, 9, "A")), media=linked("file:///x/b.mp4"))
    (tmp_path / "a.mp4").rename(tmp_path / "c.mp4")
    assert message(tmp_path, tiers=["G"]) == (
        f"--tier: no annotation can become a row; its video is not below the folder: 1 (a.eaf); {TOGETHER}"
    )
    (tmp_path / "c.mp4").rename(tmp_path / "c.npz")
    assert message(tmp_path, tiers=["G"]) == (
        "--tier: no annotation can become a row; no clip of this kind has its video's name: 1 (a.eaf); "
        + TOGETHER
    )


def test_overlapping_segments_stay_together(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    spans = [(1000 * n, 1000 * n + (1500 if n % 2 == 0 else 900), "A") for n in range(60)]
    eaf(tmp_path / "a.eaf", tier("G", *spans))
    built = build_manifest(tmp_path, tiers=["G"], dev=0.2, test=0.2)
    split_of = {entry.id: entry.split for entry in built.entries}
    assert Counter(split_of.values()) == {"train": 36, "dev": 12, "test": 12}
    assert all(split_of[f"a_Ga{n}"] == split_of[f"a_Ga{n + 1}"] for n in range(0, 60, 2))


def test_what_is_written_is_a_corpus(tmp_path: Path) -> None:
    """Of files too: landmarks by label, with segments, read by the corpus `manifest`."""
    points = np.arange(600.0).reshape(100, 3, 2) + 1
    for name in ("one", "two"):
        np.savez(tmp_path / f"{name}.npz", landmarks=points, layout="boston104", fps=50.0)
        spans = [(100 * n, 100 * n + 100, f"G{n % 3}") for n in range(20)]
        eaf(tmp_path / f"{name}.eaf", tier("G", *spans))
    built = build_manifest(tmp_path, tiers=["G"])
    corpus = read(ManifestConfig(root=str(tmp_path)))
    assert [sample.id for sample in corpus.samples] == [entry.id for entry in built.entries]
    assert {sample.frames for sample in corpus.samples} == {5}
    assert [len(corpus.split(split)) for split in ("train", "dev", "test")] == [32, 4, 4]


def test_videos_by_their_names(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    (tmp_path / "clips").symlink_to(real_data("colour_sign_videos") / "videos")
    build_manifest(tmp_path, pattern="{gloss}_{take}.mp4")
    corpus = read(ManifestConfig(root=str(tmp_path)))
    assert [len(corpus.split(split)) for split in ("train", "dev", "test")] == [51, 6, 6]
    assert len({sample.reference for sample in corpus.split("train")}) == 9
