"""What `signkit predict` is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folders of what is to be written of each clip, None for what is not.

    Attributes:
        captions: of files of captions, ``NAME.vtt``.
        elan: of files of annotations, ``NAME.eaf``.
        burn: of videos with their glosses, ``NAME.mp4``.
        force: whether files that exist are replaced.
    """

    captions: Path | None = None
    elan: Path | None = None
    burn: Path | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """How inputs are recognised, and what becomes of it.

    Attributes:
        list_file: a text file of further inputs, one a line, relative to its folder.
        with_file: a decode recipe, such as `signkit tune` writes, in place of the run's search.
        overrides: ``decode.a=b`` each, put in place after that.
        beam: width of the beam instead of the run's; 1 is greedy search, without language models.
        on_error: whether an input that cannot be used ends everything, or is left out.
    """

    list_file: Path | None = None
    with_file: Path | None = None
    overrides: tuple[str, ...] = ()
    beam: int | None = None
    on_error: Literal["stop", "skip"] = "stop"
    outputs: Outputs = Outputs()
    as_json: bool = False
