"""Writes tests/golden/sclite/*.jsonl: invented sentences with the answers of sclite 2.4.10.

Run ``python tests/golden/make_sclite_cases.py`` where sclite is installed; the cases come from a seed.
"""

import json
import random
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from sclite_program import Case, corrupted, counts, network_cases, plain_cases, run

FOLDER = Path(__file__).parent / "sclite"
FLAGS: tuple[tuple[str, ...], ...] = ((), ("-D",), ("-F",), ("-D", "-F"))
# What sclite's reading of a text comes to, one rule a line.
RULES = (
    ("A;X B", "A;Y B"),
    ("A\\B C", "AB C"),
    ("A\\;B C", "A;B C"),
    ("A* B* *", "A B *"),
    ("A** B", "A* B"),
    ("@ A @", "A"),
    ("A", "@ @ A @"),
    ("@ @", ""),
    ("(A) B", "B"),
    ("(A) B", "A B"),
    ("A/B / C", "A/B C /"),
    ("<A> [B] A:B", "<a> [b] a:b"),
    ("Ä ß É", "ä ß é"),
    ("A\u00a0B C", "A B C"),
    ("我\u3000们 好", "我 们 好"),
    ("A\tB\vC\fD", "A B C D"),
    ("A- -B", "AB AB"),
    ("x; B", "X B"),
    ("{A/B}C", "B C"),
    ("{ A / B C / @ } D", "B D"),
    ("{ { A / B } C / { D } } E", "B C E"),
    ("{ A / A } { @ / @ }", "A"),
)
SPEAKERS = ("Anna", "Bo_2", "a-signer-with-a-long-name")


def main() -> None:
    rng = random.Random(20240)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = plain_cases(rng, 400)
        _write("plain", (_row(c, found) for c, found in zip(plain, counts(folder, plain), strict=True)))
        rows = []
        for flags in FLAGS:
            networks = network_cases(rng, 150)
            answers = counts(folder, networks, flags)
            rows += [_row(c, found, flags=flags) for c, found in zip(networks, answers, strict=True)]
        _write("networks", rows)
        rules = [Case(*texts) for texts in RULES]
        _write("rules", (_row(c, found) for c, found in zip(rules, counts(folder, rules), strict=True)))
        _write("reports", (report(rng, folder, flags) for flags in ((), ("-s",), ())))


def report(rng: random.Random, folder: Path, flags: tuple[str, ...]) -> dict[str, object]:
    """A small corpus, one of whose signers may have no reference words, with sclite's three reports."""
    vocabulary = ("haus", "BAUM", "Über", "山羊", "x-y", "LANGES-WORT-MIT-STRICHEN")
    cases, signers = [], []
    for i in range(30):
        signers.append("nobody" if i == 7 and not flags else rng.choice(SPEAKERS))
        words = [rng.choice(vocabulary) for _ in range(200 if i == 11 else rng.randint(0, 9))]
        words = [] if signers[-1] == "nobody" else words
        cases.append(Case(" ".join(words), " ".join([*corrupted(rng, words, vocabulary), "NEU"][: i + 1])))
    ids = [f"{signer.replace('-', '+')}-{i}" for i, signer in enumerate(signers)]
    texts = {name: run(folder, cases, ids, [*flags, "-o", name, "stdout"]) for name in ("sum", "pra")}
    pairs = [[case.reference, case.hypothesis] for case in cases]
    return {"ids": ids, "pairs": pairs, "case_sensitive": "-s" in flags, **texts}


def _row(case: Case, found: tuple[int, ...], **more: object) -> dict[str, object]:
    return {"reference": case.reference, "hypothesis": case.hypothesis, "counts": found, **more}


def _write(name: str, rows: Iterable[Mapping[str, object]]) -> None:
    FOLDER.mkdir(exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (FOLDER / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
