"""The page of a scoring: what stands in it, that no transcript runs, that nothing is left out silently."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from math import nan
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape
from score_demo import aligned_one_by_one, demonstration, encoded, word_error_rate

from signkit.errors import OperationalError
from signkit.eval.analyses import LengthBin, analyse
from signkit.eval.comparison import Comparison
from signkit.report import page as pages
from signkit.report.numbers import counted, number, p_text, round_up, signed, span, visible, whole
from signkit.report.scoring.analyses import analyses
from signkit.report.scoring.page import Page, System, sections, sentences, worst, write_page
from signkit.report.sections import Cell, Interval, Paragraph, Section, Table
from signkit.types import Score

SCRIPT = (pages.TEMPLATES / "page.js").read_text(encoding="utf-8")
STYLE = (pages.TEMPLATES / "page.css").read_text(encoding="utf-8")

VOID = {"meta", "input", "rect", "circle", "line", "br"}
EVIL = "<script>alert(1)</script>\"'&\u2028</script><!--\u202e"


class Outline(HTMLParser):
    """The elements of a page, and whether they are nested as they should be."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.faults.append(f"an attribute twice in {tag}")
        if tag in ("p", "button", "a", "label", "article") and tag in self.open:
            self.faults.append(f"{tag} in {tag}")
        if self.open and self.open[-1] == "p" and tag in ("div", "p", "table", "section", "ul", "article"):
            self.faults.append(f"{tag} in p")
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> out of place")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


WER = Score("wer", 0.0731, "", note="333 errors", low=0.0652, high=0.0813)


def small(references: list[str], *hypotheses: list[str], **of_page: object) -> Page:
    """A page of systems A, B, … on given sentences; the first one has a score."""
    systems: list[System] = []
    for name, found in zip("ABC", hypotheses, strict=False):
        pairs = encoded([r.split() for r in references], [h.split() for h in found])
        aligned = aligned_one_by_one(pairs)
        found_out = analyse(pairs, aligned, (word_error_rate(aligned),))
        systems.append(System(name, () if systems else (WER,), pairs, aligned, found_out))
    given = {
        "title": "mine", "protocol": "plain", "description": "Words.", "signatures": ("wer|protocol:plain",),
        "systems": tuple(systems),
    }  # fmt: skip
    return Page(**{**given, **of_page})  # type: ignore[arg-type]


def scored(*of_systems: tuple[Score, ...]) -> tuple[System, ...]:
    """Systems A, B, … of one sentence, with these scores."""
    found = small(["A"], *[["A"]] * len(of_systems)).systems
    return tuple(replace(s, scores=scores) for s, scores in zip(found, of_systems, strict=True))


def render(page: Page) -> str:
    return pages.render(page.title, sections(page))


def drawn(*found: Section) -> str:
    """Sections without a page around them."""
    page = pages.render("", found)
    return page[page.index("<main") : page.index("</main>")]


def articles(html: str) -> list[str]:
    return re.findall(r"<article.*?</article>", html, re.DOTALL)


@pytest.fixture(scope="module")
def shown() -> str:
    return render(demonstration(2, 40))


def test_elements_are_nested_and_ids_are_unique(shown: str) -> None:
    outline = Outline(shown)
    assert (outline.faults, outline.open) == ([], [])
    ids = [a["id"] for _, a in outline.tags if "id" in a]
    assert len(set(ids)) == len(ids)
    links = [a["href"] for a in outline.of("a")]
    assert len(links) == 6
    assert {str(link)[1:] for link in links} <= set(ids)


def test_the_same_content_gives_the_same_page(shown: str) -> None:
    assert render(demonstration(2, 40)) == shown
    assert render(demonstration(2, 40, seed=2)) != shown


def test_nothing_is_loaded_from_elsewhere(shown: str) -> None:
    assert re.findall(r"https?:|//[a-z]|\bsrc=|@import|url\(|<link|<img|<iframe", shown) == []
    policy = Outline(shown).of("meta")[1]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert policy == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    }
    assert shown.count("<script") == 1
    assert f"<script>{SCRIPT}</script>" in shown


def test_every_heading_of_a_column_has_a_button(shown: str) -> None:
    body = shown[shown.index("<body>") : shown.index("<script>")]
    heads = re.findall(r'<th scope="col" aria-sort="none"[^>]*>(.*?)</th>', body)
    assert len(heads) == body.count("aria-sort") > 40
    assert all(re.fullmatch(r'<button type="button">[^<>]+</button>', head) for head in heads)


def test_ids_words_and_names_do_not_run() -> None:
    word = EVIL.replace(" ", "")
    score = Score(EVIL, nan, EVIL, note=EVIL)
    compared = Comparison(
        metric=EVIL, first=EVIL, second="B", difference=nan, p_value=nan, test=EVIL, better=EVIL, note=EVIL
    )
    texts = {"title": EVIL, "protocol": EVIL, "description": EVIL, "signatures": (EVIL,)}
    page = small([word, "A"], ["B", word], [f"{word} B", ""], comparisons=(compared,), **texts)
    systems = tuple(
        replace(s, name=EVIL, scores=(score,), pairs=replace(s.pairs, ids=(EVIL, "b"), signers=(EVIL, EVIL)))
        for s in page.systems
    )
    signed_systems = tuple(
        replace(s, analyses=analyse(s.pairs, s.aligned, (word_error_rate(s.aligned),), [(word,)]))
        for s in systems
    )
    html = render(replace(page, systems=signed_systems))
    outline = Outline(html)
    assert (outline.faults, outline.open) == ([], [])
    assert html.count("<script") == 1
    assert html.count("<!--") == 0
    assert "alert" in "".join(outline.text)
    assert html.count(escape(EVIL)) > 20
    assert not any(name.startswith("on") for _, attributes in outline.tags for name in attributes)


def test_characters_that_html_cannot_have_are_replaced(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", small(["A\x00\ud800\x1b"], ["A\x00\ud800\x1b"]))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<b>A���</b>") == 2
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)


def test_a_page_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OperationalError):
        write_page(tmp_path / "file" / "page.html", small(["A"], ["A"]))


def test_an_aligned_sentence() -> None:
    (article,) = articles(render(small(["A B C"], ["A X C D"])))
    assert article == (
        '<article data-n="0" data-e="2" data-r="0.6667" data-d="0"><p class="who"><b><bdi>s0</bdi></b></p>'
        '<div class="line"><p class="tally"><span>S\u202f1 I\u202f1 · 66.67\u202f% of 3 words</span></p>'
        '<div class="steps" dir="auto"><span><b>A</b><b>A</b></span>'
        '<span class="S"><b>B</b><b>X</b><i>S</i></span><span><b>C</b><b>C</b></span>'
        '<span class="I"><b>***</b><b>D</b><i>I</i></span></div></div></article>'
    )


def test_empty_sides_and_correct_sentences() -> None:
    empty, deleted, right = articles(render(small(["", "A", "B"], ["C", "", "B"])))
    assert "<span>I\u202f1 · 0 words</span>" in empty
    assert 'data-e="1" data-r="1.0000"' in empty
    assert '<span class="D"><b>A</b><b>***</b><i>D</i></span>' in deleted
    assert "<span>correct, 1 word</span>" in right


def test_systems_stand_below_each_other() -> None:
    (article,) = articles(render(small(["A B"], ["A"], ["C D"])))
    assert article.startswith('<article data-n="0" data-e="3" data-r="1.5000" data-d="1">')
    assert re.findall(r'<span class="name"><bdi>(\w)</bdi></span>', article) == ["A", "B"]
    assert article.count('<div class="steps" dir="auto">') == 2


def test_all_sentences_are_there(shown: str) -> None:
    page = demonstration(2, 40)
    found = articles(shown)
    assert [re.search(r"<bdi>(.*?)</bdi>", a).group(1) for a in found] == list(page.systems[0].pairs.ids)  # type: ignore[union-attr]
    for place, article in enumerate(found):
        for system, line in zip(page.systems, article.split('<div class="line">')[1:], strict=True):
            steps = re.findall(
                r'<span(?: class="[SDI]")?><b>(.*?)</b><b>(.*?)</b>(?:<i>([SDI])</i>)?</span>', line
            )
            of = slice(*system.aligned.offsets[place : place + 2].tolist())
            assert ["CSDI".index(letter or "C") for *_, letter in steps] == system.aligned.kinds[of].tolist()
            for side, sentences_of in ((0, system.pairs.references), (1, system.pairs.hypotheses)):
                words = tuple(step[side] for step in steps if step[side] != "***")
                assert words == system.pairs.words(sentences_of[place])
    assert '<output class="shown" aria-live="polite">43 of 43 shown</output>' in shown


def test_of_very_many_sentences_the_worst_are_shown_first() -> None:
    page = small(["A", "A B", "A", "A B C"], ["A", "", "B", "A"])
    html = drawn(sentences(page.systems, most=3))
    assert re.findall(r'data-n="(\d)', html) == ["1", "3", "2"]
    assert (
        "<p>The 3 sentences with the most errors are here; "
        "1 sentence with no more errors than these is left out.</p>"
    ) in html
    left_out = "2 sentences with no more errors than these are left out."
    assert left_out in sentences(page.systems, most=2).note
    assert sentences(page.systems, most=4).note == ""


def test_ties_among_the_worst_keep_their_order() -> None:
    assert worst(np.array([1, 2, 1, 2]), 3).tolist() == [1, 3, 0]
    assert worst(np.array([1, 2, 1, 2]), 4).tolist() == [0, 1, 2, 3]


def test_large_numbers_with_their_interval() -> None:
    html = render(small(["A"], ["A"]))
    assert '<p class="large">7.31<small>%</small></p>' in html
    assert '<p class="between">95 % interval 6.52 – 8.13\u202f%</p><p class="note">333 errors</p>' in html
    assert "<span>0</span><span>lower is better</span><span>10\u202f%</span>" in html


def test_the_main_metrics_are_large_and_points_have_no_percent_sign() -> None:
    first = (Score("bleu4", 0.25, ""), Score("substitutions", 0.5, ""))
    second = (Score("bleu4", nan, "", note="undefined: no words"),)
    html = render(small(["A"], systems=scored(first, second)))
    assert re.findall(r'<p class="large">(.*?)</p>', html) == ["25.00", "–"]
    assert html.count('<section class="card many">') == 1
    assert "<span>higher is better</span><span>50</span>" in html
    assert '<p class="note">undefined: no words</p>' in html
    assert '<td class="n" data-v="">–</td>' in html
    assert '<td class="n" data-v="0.5">50.00\u202f%</td>' in html
    four = tuple(Score(name, 0.5, "") for name in ("bleu4", "aslfr", "cer", "wer"))
    html = render(small(["A"], systems=scored(four)))
    assert re.findall(r'<section class="card"><h3>(.*?)</h3>', html) == [
        "Word error rate", "Character error rate", "(N - D) / N",
    ]  # fmt: skip
    other = render(small(["A"], systems=scored((Score("mine", 0.5, ""), Score("yours", 0.5, "")))))
    assert re.findall(r'<section class="card"><h3>(.*?)</h3>', other) == ["Mine"]


def test_systems_are_named_where_there_are_several() -> None:
    one = render(small(["A"], systems=scored((Score("wer", 0.5, ""),))))
    assert '<button type="button">System</button>' not in one and '<p class="of">' not in one
    assert "<h3>Word error rate</h3>" in one and "<caption><span>All figures</span></caption>" in one
    both = render(small(["A"], ["A"], ["B"]))
    assert '<button type="button">System</button>' in both


def test_comparisons_tell_the_winner() -> None:
    compared = (
        Comparison(metric="wer", first="A", second="B", difference=-0.0961, low=-0.1131, high=-0.0801,
                   p_value=0.0002, p_corrected=0.0004, test="bootstrap", better="A"),
        Comparison(metric="wer", first="A", second="B", difference=0.001, p_value=0.0612, p_corrected=0.0612,
                   test="mapsswe"),
    )  # fmt: skip
    html = render(small(["A"], ["A"], ["B"], comparisons=compared))
    assert "<td><strong><bdi>A</bdi></strong></td>" in html
    assert "<td><bdi>paired bootstrap</bdi></td>" in html and "<td><bdi>MAPSSWE</bdi></td>" in html
    assert "<td><bdi>no difference shown</bdi></td>" in html
    assert "−11.31 to −8.01\u202f%" in html
    assert '<td class="n" data-v="0.0004">&lt;\u202f0.001</td>' in html
    assert '<td class="n" data-v="0.0612">0.061</td>' in html
    assert "−9.61\u202f%" in html
    assert "+0.10\u202f%" in html


def test_without_systems_or_figures_the_page_is_short() -> None:
    html = render(small([]))
    assert re.findall(r'<h2 id=".*?">(.*?)</h2>', html) == ["Figures", "How it was scored"]
    assert (Outline(html).faults, Outline(html).open) == ([], [])


def test_an_empty_corpus_and_one_without_errors() -> None:
    for references in ([], ["A B"], [""]):
        outline = Outline(render(small(references, references)))
        assert (outline.faults, outline.open) == ([], [])


def test_a_choice_of_systems_where_there_are_several(shown: str) -> None:
    radios = [a for a in Outline(shown).of("input") if a.get("type") == "radio"]
    assert [(a["value"], "checked" in a) for a in radios] == [("0", True), ("1", False)]
    assert shown.count('<div class="system" data-system=') == 2
    assert "<legend>System</legend>" not in render(demonstration(1, 5))


def test_the_words_that_are_confused() -> None:
    html = render(small(["A", "A", "B"], ["B", "B", "B"]))
    row = (
        '<tr><th scope="row"><bdi>A</bdi></th><td><bdi>B</bdi></td><td><bdi></bdi>'
        '<button type="button" class="find" '
    )
    assert f'{row}data-find="A→B" aria-label="Show the sentences with A→B">show</button></td>' in html
    assert (
        '<tr><th scope="row"><bdi>A</bdi></th><td class="right">0</td><td style="--v:1.000">2</td></tr>'
        in html
    )
    assert '<tr><th scope="row"><bdi>B</bdi></th><td></td><td class="right">1</td></tr>' in html


def test_deleted_and_inserted_words_lead_to_their_sentences() -> None:
    html = render(small(["A", ""], ["", "B"]))
    assert 'data-find="A→***"' in html
    assert 'data-find="***→B"' in html


def test_lengths_are_a_picture_and_a_table() -> None:
    html = render(small(["A B", "A B", "A B C", ""], ["A", "A B", "A B C", ""]))
    picture = re.search(r'<svg class="plot".*?</svg>', html, re.DOTALL)
    assert picture is not None
    assert re.findall(r'class="of"[^>]*>(.*?)<', picture[0]) == ["0", "2", "3"]
    assert re.findall(r'class="value"[^>]*>(.*?)<', picture[0]) == ["25.0", "0.0"]
    assert picture[0].count('<line class="range"') == 1
    assert '<th scope="row" data-v="2.0"><bdi>2</bdi></th><td class="n" data-v="2.0">2</td>' in html


def test_words_that_train_does_not_have() -> None:
    page = small(["A B", "A"], ["A", "C"])
    system = page.systems[0]
    with_train = analyse(system.pairs, system.aligned, (), [("A",)])
    html = drawn(*analyses(with_train), Paragraph(""))
    assert (
        "<p>1 word of 3 (33.33\u202f%) and 1 type of 2 (50.00\u202f%) are not in train. "
        "Of these words 0 were recognised, 0 taken for others, 1 missed. "
        "The hypotheses have 1 word that train does not have.</p>"
    ) in html
    assert "Sentences seen in train" in html
    with_all = analyse(system.pairs, system.aligned, (), [("A", "B")])
    assert "<p>Train has every word of the references.</p>" in drawn(*analyses(with_all))


def test_characters_are_called_so_and_blanks_are_seen() -> None:
    pairs = encoded([["a", " ", "b"]], [["a", "b"]])
    aligned = aligned_one_by_one(pairs)
    system = System("A", (WER,), pairs, aligned, analyse(pairs, aligned))
    page = small([], unit="character", description="", systems=(system,))
    html = render(page)
    assert '<span class="D"><b>␣</b><b>***</b><i>D</i></span>' in html
    assert "33.33\u202f% of 3 characters" in html
    assert "<h3>Deleted and inserted characters</h3>" in html
    body = html[html.index("<main") : html.index("<script>")]
    assert "word" not in body.lower().replace("word error rate", "")


def test_words_that_are_many_are_cut_and_it_is_said() -> None:
    words = [f"W{i}" for i in range(302)]
    html = render(small([" ".join(words)], [" ".join(words[:-1])]))
    assert "300 words, those with the most errors first; 2 words with no more errors left out" in html
    assert "<bdi>W301</bdi></th><td" in html


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (number(0.07312), "7.31\u202f%"),
        (number(0.25, "points"), "25.00"),
        (number(1.25, "number"), "1.25"),
        (number(nan), "–"),
        (number(-0.00001), "0.00\u202f%"),
        (number(1.5, digits=0), "150\u202f%"),
        (signed(0.01), "+1.00\u202f%"),
        (signed(-0.01), "−1.00\u202f%"),
        (signed(0.00001), "0.00\u202f%"),
        (signed(nan), "–"),
        (span(0.1, 0.2), "10.00 – 20.00\u202f%"),
        (span(-0.1, 0.2, "points"), "−10.00 to 20.00"),
        (span(nan, 0.2), ""),
        (whole(1234567), "1\u202f234\u202f567"),
        (counted(1, "error"), "1 error"),
        (counted(0, "error"), "0 errors"),
        (p_text(0.0009), "<\u202f0.001"),
        (p_text(0.25), "0.250"),
        (p_text(nan), "–"),
        (visible(" "), "␣"),
        (visible("a b"), "a b"),
    ],
)
def test_numbers_for_readers(found: str, expected: str) -> None:
    assert found == expected


def test_an_interval_on_a_line() -> None:
    def bar(*numbers: float) -> str:
        return drawn(Table(("x",), [[Cell("", interval=Interval(*numbers))]]))

    found = bar(-0.5, -0.75, 0.0, -1.0, 1.0)
    assert '<line class="range" x1="12.50%" x2="50.00%" y1="50%" y2="50%"/>' in found
    assert '<line class="zero" x1="50.00%" x2="50.00%" y1="0" y2="100%"/>' in found
    assert '<line class="reach" x1="25.00%" x2="50.00%" y1="50%" y2="50%"/>' in found
    assert '<circle cx="25.00%" cy="50%" r="4"/>' in found
    assert "zero" not in bar(0.5, nan, nan, 0.0, 1.0)
    assert "range" not in bar(0.5, nan, nan, 0.0, 1.0)
    assert "<svg" not in bar(nan, nan, nan, 0.0, 1.0)


@pytest.mark.parametrize(
    ("value", "end"),
    [(0.0731, 0.1), (0.24, 0.5), (0.5, 0.5), (0.51, 1), (1.2, 2), (0.011, 0.02), (0.0, 1), (nan, 1)],
)
def test_the_end_of_an_axis(value: float, end: float) -> None:
    assert round_up(value) == pytest.approx(end, rel=1e-12)


def test_a_table() -> None:
    rows = [["x", Cell("2", 2, share=0.5)], ["y", Cell("–", nan, note="none")]]
    html = drawn(Table(("Word", "Times"), rows, caption="A & B"))
    assert "<caption><span>A &amp; B</span></caption>" in html
    assert '<caption class="unseen"><span>A &amp; B</span></caption>' in drawn(
        Table(("Word", "Times"), rows, title="A & B")
    )
    assert (
        '<tr><th scope="row"><bdi>x</bdi></th><td class="n" data-v="2.0">2'
        '<svg class="bar" aria-hidden="true"><rect width="50.00%" height="100%"/></svg></td></tr>\n'
        '<tr><th scope="row"><bdi>y</bdi></th><td class="n" data-v="" title="none">–</td></tr>\n'
    ) in html


def contrast(first: str, second: str) -> float:
    """Contrast of two colours, as WCAG 2 defines it."""

    def light(colour: str) -> float:
        full = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
        parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_known_colours() -> None:
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


def test_text_can_be_read_in_both_schemes() -> None:
    """WCAG 2 AA: 4.5 to 1, also on the darkest shade of the picture of confusions."""
    colours = dict(re.findall(r"--(\w+): light-dark\((.*?)\)", STYLE))
    for scheme in (0, 1):
        colour = {name: both.split(", ")[scheme] for name, both in colours.items()}
        for name in ("ink", "soft", "accent", "bad", "sub", "ins"):
            for ground in ("paper", "raised"):
                assert contrast(colour[name], colour[ground]) >= 4.5, (name, ground)
        assert contrast(colour["ink"], colour["deep"]) >= 4.5


def test_a_bin_without_words_has_no_bar() -> None:
    pairs = encoded([[]], [["A"]])
    aligned = aligned_one_by_one(pairs)
    found = analyse(pairs, aligned)
    assert found.lengths[0].first == 0
    assert isinstance(found.lengths[0], LengthBin)
    assert 'class="value"' not in drawn(*analyses(found))
