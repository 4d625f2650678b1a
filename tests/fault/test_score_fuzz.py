"""Damaged files given to `signkit score`: a score or one clear message, never anything else.

SIGNKIT_FUZZ=10000 tries more pairs of files than the usual 1,000.
"""

import contextlib
import io
import os
import random
import re
from html import escape
from pathlib import Path

import pytest

from signkit.commands.score import Options, score_files
from signkit.config.assets import names
from signkit.errors import SignkitError, UserErrors
from signkit.eval.formats import FORMATS
from signkit.eval.metrics import NAMES

pytestmark = pytest.mark.slow

PAIRS = int(os.environ.get("SIGNKIT_FUZZ", "1000"))
PARTS = 10
WORDS = (
    "REGEN", "loc-NORD", "cl-KOMMEN", "__ON__", "A", "B", "SCH", "WETTER-PLUSPLUS", "天气", "Größe",
    "سوال", "{", "/", "}", "@", "(UH)", "AB-", "-AB", "<X>", "x;y", "N*", "\\", "[EMPTY]", "__EMOTION__",
    "NORDRAUM", "1", "e\u0301", "\u00e9", "\u200f", "\u2028", "👋🏽", "(s1)", "id", "gloss", '"', ",", "|",
)  # fmt: skip
PLAIN = tuple(word for word in WORDS if word[0].isalpha() and ";" not in word)
ENDINGS = (
    "stm", "ctm", "trn", "csv", "tsv", "corpus.csv", "txt", "jsonl", "json", "psv", "dat", "",
    "srt", "vtt", "TextGrid", "eaf",
)  # fmt: skip


def sentences(rng: random.Random) -> dict[str, list[str]]:
    words = WORDS if rng.random() < 0.3 else PLAIN  # most files hold nothing strange
    return {
        f"s{number}": [rng.choice(words) for _ in range(rng.choice((0, 1, 2, 3, 5, 9)))]
        for number in range(rng.choice((1, 2, 3, 8)))
    }


def written(rng: random.Random, ending: str, corpus: dict[str, list[str]]) -> bytes:
    """A file of a format, mostly as it should be."""
    lines: list[str] = []
    if ending in ("csv", "tsv", "psv", "corpus.csv"):
        mark = {"tsv": "\t", "psv": "|", "corpus.csv": "|"}.get(ending, ",")
        lines.append(mark.join(("id", "signer", "annotation")))
        lines += [mark.join((name, "a", " ".join(words))) for name, words in corpus.items()]
    if ending in ("srt", "vtt", "TextGrid", "eaf"):
        return annotated(ending, [" ".join(words) for words in corpus.values()]).encode()
    for name, words in corpus.items():
        text = " ".join(words)
        if ending == "stm":
            lines.append(f"{name} 1 sig{len(words) % 2} 0.0 {rng.choice(('9', '1.79769e+308'))} {text}")
        elif ending == "ctm":
            lines += [f"{name} 1 {place}.0 0.5 {word}" for place, word in enumerate(words)]
        elif ending == "trn":
            lines.append(f"{text} ({name})")
        elif ending in ("jsonl", "json"):
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'{{"id": "{name}", "text": "{quoted}"}}')
        elif ending in ("txt", "dat"):
            lines.append(f"{name}|{text}")
        elif not ending:
            lines.append(text)
    return "".join(f"{line}\n" for line in lines).encode()


def annotated(ending: str, texts: list[str]) -> str:
    """A file of annotations, one after another."""
    if ending in ("srt", "vtt"):
        cues = (f"00:00:{n:02}.000 --> 00:00:{n + 1:02}.000\n{text}\n\n" for n, text in enumerate(texts))
        return ("WEBVTT\n\n" if ending == "vtt" else "") + "".join(cues)
    if ending == "TextGrid":
        rows = "".join(f'{n}\n{n + 1}\n"{text}"\n' for n, text in enumerate(texts))
        tier = f'"IntervalTier"\n"a"\n0\n9\n{len(texts)}\n{rows}'
        return f'File type = "ooTextFile"\n"TextGrid"\n0\n9\n<exists>\n1\n{tier}'
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="t{n}" TIME_VALUE="{n}"/>' for n in range(len(texts) + 1))
    annotations = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="t{n}" TIME_SLOT_REF2="t{n + 1}">'
        f"<ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n"
        for n, text in enumerate(texts)
    )
    order = f"<TIME_ORDER>{slots}</TIME_ORDER>"
    return f'<ANNOTATION_DOCUMENT>{order}<TIER TIER_ID="a">{annotations}</TIER></ANNOTATION_DOCUMENT>'


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Some faults of the kind that files have."""
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        content = with_a_fault(rng, content)
    return content


def with_a_fault(rng: random.Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    place = rng.randrange(len(lines))
    at = rng.randrange(len(content) + 1)
    found: bytes = rng.choice(
        (
            lambda: content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
            lambda: content[:at] + content[at + rng.randrange(9) :],
            lambda: content[:at] + bytes([rng.choice((0, 0xFF, 0xE4, 0x85, 0x1C, 13))]) + content[at:],
            lambda: b"".join(lines[:place] + lines[place + 1 :]),
            lambda: b"".join([*lines, lines[place]]),
            lambda: b"".join(rng.sample(lines, len(lines))),
            lambda: b"\xef\xbb\xbf" + content,
            lambda: content.replace(b"\n", b"\r\n"),
            lambda: content.replace(rng.choice((b" ", b"|", b",", b"\t")), rng.choice((b" ", b";", b"\t"))),
            lambda: content[:at],
            lambda: b"",
            lambda: content + b"\n\n \n",
            lambda: content.decode("utf-8", "replace").encode("utf-16"),
            lambda: content.replace(b"0.0", rng.choice((b"nan", b"-1", b"inf", b"x", b"1e400"))),
            lambda: content.replace(b"s0", b"s1"),
            lambda: content[:at] + b"X" * 5000 + content[at:],
        )
    )()  # fmt: skip
    return found


def options(rng: random.Random, folder: Path) -> dict[str, object]:
    """Options of the command line; in half of all cases some of them useless."""
    strange = rng.random() < 0.5
    shown = rng.choice(("as_json", "sclite", "show_cleaning", "", ""))
    return {
        "resamples": rng.choice((0, 0, 20)),
        "seed": 0,
        "confidence": 0.95,
        "by": rng.choice(("", "", "", "signer")),
        "protocol": rng.choice((*names("eval"), "plain", "plain")),
        "overrides": rng.choice(
            ((), (), ("optional=true", "fragments=true"), ("case=sensitive",), ("unit=x",) * strange)
        ),
        "metrics": tuple(rng.sample(NAMES, rng.choice((0, 0, 1, 3)) * strange)),
        "missing": rng.choice(("refuse", "deletions")),
        "format": rng.choice(("", rng.choice(FORMATS))) if strange else "",
        "column": rng.choice(("", "annotation", "nix")) if strange else "",
        "id_column": rng.choice(("", "", "id", "nix")) if strange else "",
        "separator": rng.choice(("", "", ",", " ")) if strange else "",
        "train": rng.choice((True, True, False)),
        "report": rng.choice((None, None, folder / "page.html")),
        "as_json": shown == "as_json",
        "sclite": shown == "sclite",
        "show_cleaning": shown == "show_cleaning",
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files_give_a_score_or_one_message(part: int, tmp_path: Path) -> None:
    outcomes = {"score": 0, "message": 0}
    for number in range(part, PAIRS, PARTS):
        rng = random.Random(number)
        corpus = sentences(rng)
        ending = rng.choice(ENDINGS)
        other = rng.choice((ending, rng.choice(ENDINGS)))
        reference = tmp_path / f"ref.{ending}"
        hypothesis = tmp_path / f"hyp.{other}"
        reference.write_bytes(damaged(rng, written(rng, ending, corpus)))
        changed = {name: rng.sample(words, len(words)) for name, words in corpus.items()}
        hypothesis.write_bytes(damaged(rng, written(rng, other, changed)))
        given = options(rng, tmp_path)
        given["train"] = reference if given["train"] else None
        given["systems"], given["reference_format"], given["reference_column"] = (), "", ""
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                assert score_files(reference, hypothesis, Options(**given)) == 0  # type: ignore[arg-type]
        except UserErrors as error:
            assert 1 <= len(error.faults) <= 11, number
            outcomes["message"] += 1
        except SignkitError as error:
            message = str(error)
            assert "\n" not in message, (number, message)
            assert re.match(r"\S.*: \S", message), (number, message)
            assert len(message) < 1000, (number, message)
            assert out.getvalue() == "", number
            outcomes["message"] += 1
        except Exception as error:
            raise AssertionError(f"pair {number}: {ending} {other} {given}") from error
        else:
            outcomes["score"] += 1
    assert min(outcomes.values()) > PAIRS / PARTS / 20, outcomes  # both happen, so the search means something
