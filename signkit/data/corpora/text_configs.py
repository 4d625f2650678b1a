"""Options of the built-in corpora of written text."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import Path_
from signkit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ParallelConfig:
    """Sentences, such as glosses, and their translations: two files line by line, or columns of one."""

    factory: ClassVar[str] = "signkit.data.corpora.parallel:read"
    root: Annotated[str, Path_()]
    source: str = "{split}.gloss"
    """The file of the sources of each split below the root, in any format that `signkit score` reads;
    {split} stands for train, dev and test."""
    text: str = "{split}.txt"
    """The file of their translations; empty: they are in the file of the sources."""
    source_column: str = "gloss"
    """Of the sources, where there are columns."""
    text_column: str = "text"
    more_sources: tuple[str, ...] = ()
    """Further sources of the texts of train, such as a recogniser's: files as `source`."""
    more_pairs: tuple[str, ...] = ()
    """Further pairs for train: files with both columns."""
    clean: str = ""
    """A protocol, such as phoenix2014t, by which the sources are cleaned as recognised glosses are for
    scoring: of markers and repeated glosses, which some releases have in train alone; empty: as they are."""
    empty: Literal["refuse", "skip"] = "refuse"
    """A pair of train with an empty source or text: stop, or leave it out, counted and named."""

    @property
    def source_protocol(self) -> str:
        """The protocol by which a run's sources are cleaned, also those that it translates later."""
        return self.clean


@dataclass(frozen=True, kw_only=True)
class RecognisedConfig:
    """What a finished run recognised, as sources to be translated into the texts of its corpus."""

    factory: ClassVar[str] = "signkit.data.corpora.recognised:read"
    run: Annotated[str, Path_()]
    """The run of a recogniser, such as an earlier stage."""
    train: Literal["glosses", "recognised", "both"] = "glosses"
    """Sources of train: its glosses, what was recognised of it (`decode.splits` of the run has `train` then),
    or both."""


@dataclass(frozen=True, kw_only=True)
class TextFilesConfig:
    """Text alone, for language models: files of sentences, in any format that `signkit score` reads."""

    factory: ClassVar[str] = "signkit.data.corpora.text:read"
    train: tuple[Annotated[str, Path_()], ...] = ()
    dev: tuple[Annotated[str, Path_()], ...] = ()
    test: tuple[Annotated[str, Path_()], ...] = ()
    column: str = ""
    """Of the text, where there are columns."""
    exclude: tuple[Annotated[str, Path_()], ...] = ()
    """Files whose sentences are not learnt from, such as those of dev and test."""
    distinct: bool = False
    """Learn a sentence that is there several times once."""

    def __post_init__(self) -> None:
        if not self.train:
            raise UserError("train", "names no file", "for example `--set data.train=train.txt`")
