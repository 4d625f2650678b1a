"""Options of `signkit predict`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folders for the output files of each clip; None for what is not written.

    Attributes:
        captions: for captions, ``NAME.vtt`` or ``NAME.srt``.
        captions_format: which of them.
        elan: for ELAN annotations, ``NAME.eaf``.
        burn: for videos with their glosses, ``NAME.glosses.mp4``.
        force: whether existing files are replaced.
    """

    captions: Path | None = None
    captions_format: Literal["vtt", "srt"] = "vtt"
    elan: Path | None = None
    burn: Path | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """How inputs are recognised and what is written.

    Attributes:
        list_file: a text file of additional inputs, one per line, relative to its folder; or a manifest,
            whose ids the predictions get.
        with_file: a decode recipe, such as one that `signkit tune` wrote, which replaces the run's settings.
        overrides: ``decode.a=b`` each, applied after that.
        beam: the beam width in place of the run's; 1 is greedy search, without external models.
        fps: frames a second of inputs that do not say: folders of frames, OpenPose's folders, parquet, and
            npz files without ``fps``.
        on_error: whether an input that cannot be used ends the command or is left out.
        outputs: files to write.
        as_json: print JSON lines in place of a table.
        translate: a run that translates what is recognised: captions are its sentences then.
    """

    list_file: Path | None = None
    with_file: Path | None = None
    overrides: tuple[str, ...] = ()
    beam: int | None = None
    fps: float | None = None
    on_error: Literal["stop", "skip"] = "stop"
    outputs: Outputs = Outputs()
    as_json: bool = False
    translate: Path | None = None
