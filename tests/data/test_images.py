"""The corpus `images`: folders and tables as they are found, and every image that is none."""

import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signkit.data.corpora.configs import ImagesConfig
from signkit.data.corpora.folds import RANDOM_NOTE, UNKNOWN_NOTE
from signkit.data.corpora.images import read, take_stock
from signkit.errors import UserError, UserErrors
from signkit.testing import check_corpus
from signkit.types import Corpus, Video


def image(path: Path, number: int = 0, mode: str = "RGB", size: tuple[int, int] = (9, 7)) -> Path:
    """An image of one colour that its number decides."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = (number * 37 % 256, number * 91 % 256, number * 11 % 256)
    picture = Image.new("RGB", size, colour)
    (picture if mode == "RGB" else picture.convert(mode)).save(path)
    return path


def letters(root: Path, labels: str = "AB", count: int = 5, begin: int = 0) -> Path:
    """Images in folders of their labels, each of another colour."""
    for place, label in enumerate(labels):
        for number in range(count):
            image(root / label / f"{number}.png", begin + place * count + number)
    return root


def corpus(root: Path, **options: object) -> Corpus:
    return read(ImagesConfig(root=str(root), **options))  # type: ignore[arg-type]


def fault(root: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        corpus(root, **options)
    return str(caught.value)


def test_folders_of_labels(tmp_path: Path) -> None:
    found = corpus(letters(tmp_path))
    assert len(found.samples) == 10
    assert {sample.id: sample.reference for sample in found.samples}["B/3.png"] == ("B",)
    assert Counter(sample.split for sample in found.samples) == {"train": 6, "dev": 2, "test": 2}
    assert found.notes == (UNKNOWN_NOTE,)
    clip = found.samples[0].load()
    assert isinstance(clip, Video) and clip.clip.frames == 1
    pixels = clip.clip.read(np.array([0]))
    assert pixels.shape == (1, 7, 9, 3) and pixels[0, 0, 0].tolist() == [0, 0, 0]
    check_corpus(ImagesConfig(root=str(tmp_path)))


def test_folders_of_splits(tmp_path: Path) -> None:
    """Also with a folder of signers in them, and other names of the splits."""
    for begin, split in enumerate(("train", "validation", "Test")):
        letters(tmp_path / "a" / split, begin=100 * begin)
        letters(tmp_path / "b" / split / "p1", begin=100 * begin)
    found = corpus(tmp_path / "a")
    assert Counter(sample.split for sample in found.samples) == {"train": 10, "dev": 10, "test": 10}
    assert {sample.signer for sample in found.samples} == {""} and found.notes == ()
    other = corpus(tmp_path / "b")
    assert {(sample.split, sample.signer) for sample in other.samples} == {
        ("train", "p1"),
        ("dev", "p1"),
        ("test", "p1"),
    }
    assert corpus(tmp_path / "a", split="random").notes == (UNKNOWN_NOTE,)


def test_a_folder_a_signer(tmp_path: Path) -> None:
    """As the Surrey set: A to E are people there, and depth images lie beside those in colour."""
    for number, person in enumerate("ABCDE"):
        letters(tmp_path / person, "xy", begin=20 * number)
        for label in "xy":
            image(tmp_path / person / label / "depth_1.png", number)
    found = corpus(tmp_path, pattern="[0-9]*")
    assert found.notes == ("folders are read as signer/label: 5 signers, 2 labels",)
    splits = {
        sample.signer: {s.split for s in found.samples if s.signer == sample.signer}
        for sample in found.samples
    }
    assert sorted(map(sorted, splits.values())) == [["dev"], ["test"], ["train"], ["train"], ["train"]]
    assert "color" not in {sample.id for sample in found.samples}
    turned = corpus(tmp_path, pattern="[0-9]*", folders="label/signer")
    assert {sample.signer for sample in turned.samples} == {"x", "y"} and len(turned.samples) == 50
    assert turned.notes == (RANDOM_NOTE,)


def test_names_of_the_massey_set(tmp_path: Path) -> None:
    """Flat, or in folders of labels: the names tell signers."""
    number = 0
    for hand in (1, 2, 3):
        for label in "ab":
            for take in (1, 2):
                number += 1
                name = f"hand{hand}_{label}_bot_seg_{take}_cropped.png"
                image(tmp_path / "flat" / name, number)
                image(tmp_path / "folders" / label / name, number)
    for root in ("flat", "folders"):
        found = corpus(tmp_path / root, folds=3)
        assert {(sample.signer, sample.text or " ".join(sample.reference)) for sample in found.samples} == {
            (f"hand{hand}", label) for hand in (1, 2, 3) for label in "ab"
        }
        assert Counter(sample.split for sample in found.samples) == {"train": 4, "dev": 4, "test": 4}
    wrong = image(tmp_path / "folders" / "b" / "hand1_a_bot_seg_9_cropped.png")
    assert fault(tmp_path / "folders") == f"{wrong}: lies in the folder b, but its name says a"


def test_names_of_kaggles_alphabet(tmp_path: Path) -> None:
    """A folder in one of the same name; and its test images, which lie flat."""
    root = tmp_path / "asl_alphabet_train"
    for place, label in enumerate(("A", "del", "nothing")):
        for number in range(1, 6):
            image(root / root.name / label / f"{label}{number}.jpg", place * 10 + number)
    assert len(corpus(root).samples) == 15
    chosen = corpus(root, leave_out=("del", "nothing"))
    assert {sample.reference for sample in chosen.samples} == {("A",)}
    assert {s.reference for s in corpus(root, keep=("A", "del")).samples} == {("A",), ("del",)}
    assert fault(root, leave_out=("space",)) == (
        "data.leave_out: no image has the label 'space'; there are: A, del, nothing"
    )
    for number, label in enumerate("AB" * 5):
        image(tmp_path / "test" / f"{label}{'_test' if number < 2 else number}.jpg", number)
    flat = read(ImagesConfig(root=str(tmp_path / "test"), split="random"))
    assert Counter(sample.reference for sample in flat.samples) == {("A",): 5, ("B",): 5}


def test_a_table(tmp_path: Path) -> None:
    letters(tmp_path / "images")
    rows = ["file,label,signer,split"]
    for number in range(5):
        split = "train" if number < 3 else ("val", "test")[number - 3]
        rows += [f"{label}/{number}.png,{label} hand,s{number % 2},{split}" for label in "AB"]
    (tmp_path / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    found = corpus(tmp_path, file="index.csv", images="images")
    assert {sample.id: (" ".join(sample.reference), sample.signer, sample.split) for sample in found.samples}[
        "B/3.png"
    ] == ("B hand", "s1", "dev")
    assert found.samples[0].source == f"{tmp_path / 'index.csv'}:2: A/0.png"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A/0.png,A,", "{file}:4: A/0.png is there twice, first in line 2"),
        ("./A//0.png,A,", "{file}:4: ./A//0.png is there twice, first in line 2"),
        ("A/1.png,,", "{file}:4: the label is empty"),
        ("A/1.png,A,later", "{file}:4: split 'later' is none of train, dev, test"),
        ("A/9.png,A,", "{file}:4: A/9.png: there is no such file"),
        ("../A/1.png,A,", "{file}:4: path '../A/1.png' is not below the manifest's folder; "
         "paths are relative to it: A/1.png"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_used(row: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "index.csv"
    letters(tmp_path)
    file.write_text(
        f"path,label,split\nA/0.png,A,\nB/0.png,B,\n{row}\nA/2.png,A,\nB/2.png,B,\n", encoding="utf-8"
    )
    assert fault(tmp_path, file="index.csv") == message.format(file=file)


def test_a_table_without_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "index.csv"
    file.write_text("label,signer\nA,s1\n", encoding="utf-8")
    assert fault(tmp_path, file="index.csv") == f"{file}: column missing: path; there are: label, signer"


def test_folders_that_are_not_understood(tmp_path: Path) -> None:
    assert fault(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: there is no such folder"
    (tmp_path / "empty").mkdir()
    assert fault(tmp_path / "empty") == (
        f"{tmp_path / 'empty'}: has no images; "
        "* of .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff, .gif were looked for"
    )
    letters(tmp_path / "mixed")
    image(tmp_path / "mixed" / "A1.png", 99)
    assert fault(tmp_path / "mixed") == (
        f"{tmp_path / 'mixed'}: images lie in folders of different depth: A1.png and B/4.png"
    )
    letters(tmp_path / "half" / "train")
    letters(tmp_path / "half" / "more", begin=50)
    assert fault(tmp_path / "half") == (
        f"{tmp_path / 'half'}: has a folder of the split train beside more, which names none; "
        "train, validation and test are known"
    )
    deep = image(tmp_path / "deep" / "a" / "b" / "c" / "x.png")
    assert fault(tmp_path / "deep") == (
        f"{tmp_path / 'deep'}: images lie 3 folders deep, as {deep.relative_to(tmp_path / 'deep')}; "
        "known are LABEL/*, SIGNER/LABEL/*, and both in folders of splits"
    )
    wild = image(tmp_path / "wild" / "x-1.png")
    assert fault(tmp_path / "wild") == (
        f"{wild}: neither a folder nor its name says a label; "
        "put it in a folder of its label, or name labels in a table (`data.file`)"
    )


def test_labels_that_differ_in_capitals(tmp_path: Path) -> None:
    """Wherever they are: in one folder, or in those of two splits."""
    hint = "give both one name, or name one in `data.leave_out`"
    letters(tmp_path / "x", "ABa")
    assert (
        fault(tmp_path / "x") == f"{tmp_path / 'x'}: the labels 'A' and 'a' differ only in capitals; {hint}"
    )
    assert {s.reference for s in corpus(tmp_path / "x", leave_out=("a",)).samples} == {("A",), ("B",)}
    letters(tmp_path / "y" / "train", "AB")
    letters(tmp_path / "y" / "test", "Ab", begin=50)
    assert (
        fault(tmp_path / "y") == f"{tmp_path / 'y'}: the labels 'B' and 'b' differ only in capitals; {hint}"
    )


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("no image", encoding="utf-8")


def _truncated(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-900])


def _animated(path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "green")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def _print(path: Path) -> None:
    Image.new("CMYK", (4, 4), (9, 9, 9, 9)).save(path)


def _deep(path: Path) -> None:
    Image.fromarray(np.full((4, 4), 900, dtype=np.uint16)).save(path)


def _deep_colours(path: Path) -> None:
    def part(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = zlib.compress((b"\0" + bytes(4 * 6)) * 4)
    head = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b""))


def _flat_bmp(path: Path) -> None:
    head = struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 0, 5, 1, 24, 0, 0, 0, 0, 0, 0)
    path.write_bytes(b"BM" + head)


def _flat_gif(path: Path) -> None:
    path.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 7, 0, 0, 0, 0) + b";")


BAD = {
    "flat.bmp": (_flat_bmp, "has no pixels: it is 0 x 5"),
    "flat.gif": (_flat_gif, "has no pixels: it is 7 x 0"),
    "empty.png": (_empty, "the file is empty"),
    "text.jpg": (_text, "is no image, or too damaged to be read as one"),
    "short.jpg": (_truncated, "cannot be decoded; it may be truncated or damaged"),
    "short.png": (_truncated, "cannot be decoded; it may be truncated or damaged"),
    "moving.gif": (_animated, "holds 3 pictures, as an animation does; save the one that is meant"),
    "moving.webp": (_animated, "holds 3 pictures, as an animation does; save the one that is meant"),
    "moving.png": (_animated, "holds 3 pictures, as an animation does; save the one that is meant"),
    "pages.tif": (_animated, "holds 3 pictures, as an animation does; save the one that is meant"),
    "print.jpg": (_print, "has the colours of print (CMYK); save it as RGB"),
    "print.tif": (_print, "has the colours of print (CMYK); save it as RGB"),
    "deep.png": (_deep, "has more than 8 bits a colour; save it with 8, at the brightness that is meant"),
    "deep.tif": (_deep, "has more than 8 bits a colour; save it with 8, at the brightness that is meant"),
    "deep_colours.png": (
        _deep_colours,
        "has more than 8 bits a colour; save it with 8, at the brightness that is meant",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_image_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    letters(tmp_path)
    make, message = BAD[name]
    make(tmp_path / "A" / name)
    assert fault(tmp_path) == f"{tmp_path / 'A' / name}: {message}"
    found = corpus(tmp_path, damaged="skip")
    assert len(found.samples) == 10
    what = message.partition(";")[0]
    assert found.notes == (UNKNOWN_NOTE, f"left out, not usable, 1 image: {tmp_path / 'A' / name}: {what}")


def test_all_faults_at_once_and_nothing_left(tmp_path: Path) -> None:
    letters(tmp_path)
    for name in ("empty.png", "print.jpg"):
        BAD[name][0](tmp_path / "A" / name)
    with pytest.raises(UserErrors) as caught:
        corpus(tmp_path)
    assert str(caught.value).count("\n") == 1
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"")
    (tmp_path / "A" / "print.jpg").unlink()
    assert fault(tmp_path, damaged="skip").startswith(f"{tmp_path}: no image can be used; ")


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA"])
def test_grey_and_other_usual_images_are_read_as_rgb(mode: str, tmp_path: Path) -> None:
    letters(tmp_path)
    image(tmp_path / "A" / "other.png", 90, mode)
    sample = next(each for each in corpus(tmp_path).samples if each.id == "A/other.png")
    signal = sample.load()
    assert isinstance(signal, Video)
    pixels = signal.clip.read(np.array([0]))
    assert pixels.shape == (1, 7, 9, 3)
    if mode == "L":
        assert (pixels == pixels[..., :1]).all()


def test_a_label_with_one_image(tmp_path: Path) -> None:
    letters(tmp_path)
    alone = image(tmp_path / "C" / "1.png", 77)
    hint = "`data.leave_out: [C]` leaves the label out, `data.damaged: skip` whatever cannot be used"
    assert fault(tmp_path) == f"{alone}: is the only image of the label 'C'; {hint}"
    found = corpus(tmp_path, damaged="skip")
    assert {sample.reference for sample in found.samples} == {("A",), ("B",)}
    assert found.notes[-1] == f"left out, not usable, 1 image: {alone}: is the only image of the label 'C'"


def test_a_label_that_train_does_not_have(tmp_path: Path) -> None:
    letters(tmp_path / "train")
    letters(tmp_path / "test", "ABC", 3, begin=50)
    hint = "`data.leave_out: [C]` leaves the label out, `data.damaged: skip` whatever cannot be used"
    what = f"{tmp_path}: the label 'C' is in test with 3 images, and train has none"
    assert fault(tmp_path) == f"{what}; {hint}"
    found = corpus(tmp_path, damaged="skip")
    assert Counter(s.split for s in found.samples) == {"train": 10, "test": 6}
    assert found.notes == (
        f"left out, not usable, 3 images: {what}",
        "scores of test are of the images that are left",
    )


def test_copies_in_two_splits(tmp_path: Path) -> None:
    letters(tmp_path / "train")
    letters(tmp_path / "test", begin=50)
    copied = tmp_path / "test" / "A" / "copy.png"
    copied.write_bytes((tmp_path / "train" / "A" / "1.png").read_bytes())
    assert corpus(tmp_path).notes == (
        "1 image is in two splits, so scores mean little: test/A/copy.png of test is train/A/1.png of train "
        "(`signkit data check` names all)",
    )
    stock = take_stock(ImagesConfig(root=str(tmp_path)))
    assert [each.splits for each in stock.shared] == [("test", "train")]


def test_the_fingerprint_is_that_of_contents_and_splits(tmp_path: Path) -> None:
    letters(tmp_path)
    first = corpus(tmp_path).fingerprint
    assert corpus(tmp_path).fingerprint == first
    assert corpus(tmp_path, fold=1).fingerprint != first
    image(tmp_path / "A" / "0.png", 200)
    assert corpus(tmp_path).fingerprint != first


def test_a_stock_counts_what_is_refused(tmp_path: Path) -> None:
    letters(tmp_path / "train")
    letters(tmp_path / "test", begin=50)
    _empty(tmp_path / "test" / "A" / "x.png")
    stock = take_stock(ImagesConfig(root=str(tmp_path)))
    assert stock.listed == {"train": 10, "dev": 0, "test": 11}
    assert [(gap.split, gap.samples) for gap in stock.gaps] == [("test", 1)]
    assert len(stock.corpus.samples) == 20


def test_real_letters_by_person(real_data: object) -> None:
    root = real_data("letter_images")  # type: ignore[operator]
    found = corpus(root, file="index.csv", images="images")
    assert Counter(sample.split for sample in found.samples) == {"train": 2332, "dev": 780, "test": 780}
    assert found.notes == ()


def test_a_table_that_is_not_read_is_named(tmp_path: Path) -> None:
    letters(tmp_path)
    (tmp_path / "index.csv").write_text("path,label\n", encoding="utf-8")
    note = f"{tmp_path / 'index.csv'} is not read; `data.file=index.csv` takes labels from it"
    assert corpus(tmp_path).notes == (note, UNKNOWN_NOTE)
