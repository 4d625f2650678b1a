"""The verb `signkit score`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signkit.commands.recipes import first_comment
from signkit.config.assets import find
from signkit.errors import UserError
from signkit.eval.breakdown import breakdown
from signkit.eval.comparison import comparisons
from signkit.eval.formats import read, read_pair
from signkit.eval.formats.textlines import STDIN
from signkit.eval.metrics import check_names
from signkit.eval.pairing import Missing, train_sentences
from signkit.eval.protocols import Protocol, load
from signkit.eval.retrieval import nearest_texts, sources_of
from signkit.eval.scores import Resampling, score
from signkit.eval.transcripts import Transcripts
from signkit.report.scoring.scoring import Scoring

FLOOR = "retrieval floor"
"""The system whose hypotheses are sentences of train."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asks for.

    Attributes:
        metrics: in place of the protocol's own.
        overrides: of the protocol, ``case=sensitive`` each.
        by: ``signer``: intervals by signer, and a table of signers.
        format: of the files, and that of one side alone where the names say so, as for the columns.
        separator: marks between words, in addition to blanks.
        systems: further hypotheses to compare with the first.
        train: transcripts of train, or None.
        train_source: sources of the sentences of train, such as their glosses, or None.
        source: sources of the references, or None.
        source_column: column, key or tier of the text in both.
        report: where to write the page, or None.
        resamples, seed, confidence: of the bootstrap, see `Resampling`.
        sclite: print text in the manner of sclite.
        show_cleaning: print what the protocol's rules did, and score nothing.
    """

    protocol: str = "plain"
    overrides: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    format: str = ""
    reference_format: str = ""
    hyp_format: str = ""
    column: str = ""
    reference_column: str = ""
    hyp_column: str = ""
    id_column: str = ""
    reference_id_column: str = ""
    hyp_id_column: str = ""
    separator: str = ""
    missing: Missing = "refuse"
    by: str = ""
    systems: tuple[Path, ...] = ()
    train: Path | None = None
    train_source: Path | None = None
    source: Path | None = None
    source_column: str = ""
    report: Path | None = None
    resamples: int = 1000
    seed: int = 0
    confidence: float = 0.95
    sclite: bool = False
    show_cleaning: bool = False
    as_json: bool = False

    @property
    def resampling(self) -> Resampling:
        """How intervals are found."""
        return Resampling(
            resamples=self.resamples,
            seed=self.seed,
            confidence=self.confidence,
            by_signer=self.by == "signer",
        )


def score_files(reference: Path, hypothesis: Path, options: Options) -> int:
    """Score files and print a table (or JSON, or sclite's text); write a page if one is asked for.

    ``-`` is the standard input.

    Raises:
        UserError: what is wrong with a file, an option or the protocol.
    """
    protocol = load(options.protocol, options.overrides)
    files = (hypothesis, *options.systems)
    _check(options, (reference, *files))
    references, hypotheses = read_pair(
        reference,
        files,
        format=options.format,
        reference_format=options.reference_format,
        hyp_format=options.hyp_format,
        column=options.column,
        reference_column=options.reference_column,
        hyp_column=options.hyp_column,
        id_column=options.id_column,
        reference_id_column=options.reference_id_column,
        hyp_id_column=options.hyp_id_column,
        separator=options.separator,
    )
    if options.show_cleaning:
        from signkit.report.scoring.cleaned import show_cleaning

        show_cleaning(protocol, references, hypotheses[0], options.as_json)
        return 0
    if protocol.rules and len({each.a_word_a_line for each in hypotheses}) > 1:
        what = "a CTM is cleaned word by word and other formats sentence by sentence: these do not compare"
        raise UserError("--compare", what, "give all systems in one format")
    systems = dict(zip(_names(files), hypotheses, strict=True))
    train = _train(options) if options.train is not None else None
    if train is not None and options.source is not None:
        if FLOOR in systems:
            raise UserError("--source", f"a system has the name {FLOOR!r} already", "rename its file")
        systems[FLOOR] = _floor(references, train, options)
    scoring = _scored(references, systems, train, protocol, options)
    if options.report is not None:
        from signkit.report.scoring.page import content, write_page

        write_page(options.report.resolve(), content(scoring))
    _print(scoring, options)
    return 0


def _check(options: Options, files: Sequence[Path]) -> None:
    """Refuse options that do not go together, and a report that would replace something else.

    Raises:
        UserError: which option is at fault.
    """
    check_names(options.metrics, "--metric")
    if not 0 < options.confidence < 1:
        raise UserError("--confidence", f"lies between 0 and 1, and not at {options.confidence:g}")
    if "seen" in options.metrics and options.train is None:
        raise UserError("--metric seen", "needs the sentences of train", "`--train FILE` names them")
    floor = {"--source": options.source, "--train-source": options.train_source, "--train": options.train}
    lacking = next((option for option, file in floor.items() if file is None), "")
    if lacking and (options.source or options.train_source):
        given = next(option for option, file in floor.items() if file is not None)
        raise UserError(
            given, f"needs {lacking}", "the retrieval floor is of --source, --train-source and --train"
        )
    if options.as_json and options.sclite:
        raise UserError("--sclite", "prints text, and --json JSON: choose one")
    if options.show_cleaning and (options.systems or options.report or options.sclite):
        raise UserError("--show-cleaning", "scores nothing: leave out --compare, --report and --sclite")
    report = options.report
    if report is None:
        return
    if report.is_dir() or (report.exists() and not report.is_file()):
        raise UserError("--report", f"{report} is not a file that could be replaced")
    if not report.absolute().parent.is_dir():
        raise UserError("--report", f"there is no folder {report.parent}")
    for path in (*files, *filter(None, (options.train, options.train_source, options.source))):
        if report.exists() and path.exists() and report.samefile(path):
            raise UserError("--report", f"{report} is a file that is read here")


def _scored(
    references: Transcripts,
    systems: dict[str, Transcripts],
    transcripts: Transcripts | None,
    protocol: Protocol,
    options: Options,
) -> Scoring:
    train = train_sentences(transcripts, protocol) if transcripts is not None else None
    scored = {
        name: score(
            references,
            hypotheses,
            protocol,
            metrics=options.metrics,
            split="all",
            train=train,
            missing=options.missing,
            resampling=options.resampling,
        )
        for name, hypotheses in systems.items()
    }
    wanted = options.as_json or options.report is not None or not options.sclite
    analyses = {name: breakdown(each, train) for name, each in scored.items() if wanted}
    tests = comparisons(scored, options.resampling) if len(scored) > 1 else ()
    classes = "per_class" in (options.metrics or protocol.metrics)
    description = first_comment(find("eval", options.protocol))
    return Scoring(
        references.source, protocol, description, scored, analyses, tests, options.resampling, classes
    )


def _train(options: Options) -> Transcripts:
    """The sentences of train."""
    assert options.train is not None
    return read(
        options.train,
        column=options.reference_column or options.column,
        id_column=options.reference_id_column or options.id_column,
        separator=options.separator,
    )


def _floor(references: Transcripts, train: Transcripts, options: Options) -> Transcripts:
    """For each reference the sentence of train whose source is nearest to its source.

    Raises:
        UserError: a sentence has no source.
    """
    assert options.source is not None and options.train_source is not None
    sides = ((options.train_source, train), (options.source, references))
    of_train, of_references = (sources_of(_sources(path, options), texts) for path, texts in sides)
    texts = tuple(nearest_texts(of_train, train.texts, of_references))
    return replace(references, source=FLOOR, texts=texts, notes=())


def _sources(path: Path, options: Options) -> Transcripts:
    id_column = options.reference_id_column or options.id_column
    try:
        return read(path, column=options.source_column, id_column=id_column)
    except UserError as error:
        where = "--source-column" if error.where == "--column" else error.where
        raise UserError(where, error.what, error.hint) from None


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    """The systems' names: as short as they may be without being the same."""
    paths = ["stdin" if path == STDIN else str(path) for path in files]
    if len(set(paths)) < len(paths):
        raise UserError("--compare", "names a file twice")
    stems = [_stem(path) for path in paths]
    for names in (stems, [Path(path).name for path in paths], paths):
        if len(set(names)) == len(names):
            break
    return tuple(names)


def _stem(path: str) -> str:
    """A short name of a file: without its folder and ending, but a pipe's whole (``/dev/fd/63``)."""
    if path.startswith(("/dev/fd/", "/proc/")):
        return path
    name = Path(path).name
    return Path(name[:-3] if name.lower().endswith(".gz") else name).stem


def _print(scoring: Scoring, options: Options) -> None:
    if options.sclite:
        from signkit.report.scoring.sclite import pra_text
        from signkit.report.scoring.sclite_summary import sys_text

        for name, each in scoring.systems.items():
            main = each.sentences.main
            strict = scoring.protocol.case == "sensitive"
            for note in each.notes:
                print(f"note: {note}", file=sys.stderr)
            sys.stdout.write(sys_text(name, *main) + "\n" + pra_text(name, *main, case_sensitive=strict))
    elif options.as_json:
        from signkit.report.scoring.document import document

        print(json.dumps(document(scoring), ensure_ascii=False))  # whole, before a part of it is out
    else:
        from signkit.report.scoring.terminal import print_scoring

        print_scoring(scoring, by_signer=options.by == "signer", report=options.report)
