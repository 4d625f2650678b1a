"""The output files of `signkit predict` for each clip."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from signkit.commands.predict.inputs import Source
from signkit.commands.predict.named import Input
from signkit.commands.predict.options import Outputs
from signkit.data.collect.search import BURNT
from signkit.data.corpora.table import fail_together
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.report.clips.burn import burn
from signkit.report.clips.captions import CAPTIONS
from signkit.report.clips.cues import Cue, cues, in_one_line, moved
from signkit.report.clips.elan import eaf
from signkit.report.clips.lettering import Fonts
from signkit.runtime.files import write_bytes, write_text
from signkit.runtime.progress import Watch
from signkit.text.vocabulary import Vocabulary
from signkit.types import Hypothesis, Prediction


def check_outputs(inputs: Sequence[Input], outputs: Outputs) -> None:
    """Refuse output files that two inputs share, that are inputs, or that exist already.

    Raises:
        UserError: there are such files; the message names all of them.
    """
    faults: list[UserError] = []
    given = {os.path.realpath(each.file) for each in inputs}
    first: dict[str, Input] = {}
    for folder in (outputs.captions, outputs.elan, outputs.burn):
        if folder is not None and os.path.exists(folder) and not os.path.isdir(folder):
            faults.append(UserError(str(folder), "is a file, not a folder"))
    for each in inputs:
        files = _files(outputs, each)
        if files and any(
            os.path.isabs(name) or ".." in Path(name).parts for name in (each.name, each.annotations)
        ):
            faults.append(UserError(each.key, "is no name for a file", "choose another id"))
            continue
        for path in files:
            other = first.setdefault(str(path).lower(), each)  # some file systems ignore case
            if _share(other, each) and not path.name.endswith(BURNT):
                continue
            if other is not each:
                what = f"would be written to the same file as {other.file}, {path}"
                hint = "name them in a --list by paths that differ"
                faults.append(UserError(str(each.file), what, hint))
            elif os.path.realpath(path) in given:
                faults.append(UserError(str(path), "is an input", "choose another folder"))
            elif os.path.exists(path) and not outputs.force:
                faults.append(UserError(str(path), "exists already", "--force replaces it"))
    fail_together(faults, "predict")


def fonts_for(spec: Spec, outputs: Outputs) -> Fonts | None:
    """Fonts for all letters that can be predicted, if they are burnt into videos.

    Raises:
        UserError: no font has one of the letters.
    """
    if outputs.burn is None:
        return None
    words = (part.tokens if isinstance(part, Vocabulary) else part.names for part in spec.outputs.values())
    return Fonts("".join(letter for names in words for name in names for letter in name))


def write_outputs(
    sources: Sequence[Source],
    best: Mapping[str, Prediction],
    seconds: Mapping[str, float],
    outputs: Outputs,
    fonts: Fonts | None,
    watch: Watch,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the output files, each of them completely or not at all.

    Args:
        best: the prediction for each source, by its key.
        seconds: the duration of each clip, likewise.
        texts: its translation, likewise, which its captions have then from its first gloss to its last.

    Raises:
        UserError: a frame cannot be decoded.
        OperationalError: a file cannot be written; files written before it stay.
    """
    spans = {source.key: cues(_timed(best[source.key]), seconds[source.key]) for source in sources}
    files: dict[str, list[Source]] = {}
    for source in sources:
        files.setdefault(source.annotations or source.name, []).append(source)
    for name, segments in files.items():
        found = in_one_line(moved(spans[each.key], each.begin) for each in segments)
        if outputs.captions is not None:
            shown = _captions(segments, spans, texts) if texts else found
            text = CAPTIONS[outputs.captions_format](shown)
            write_text(outputs.captions / f"{name}.{outputs.captions_format}", text)
        if outputs.elan is not None:
            path = outputs.elan / f"{name}.eaf"
            write_bytes(path, eaf(found, _media(segments[0]), path.parent))
    if outputs.burn is not None and fonts is not None:
        _burn_all(sources, spans, outputs.burn, fonts, watch)


def _captions(
    segments: Sequence[Source], spans: Mapping[str, Sequence[Cue]], texts: Mapping[str, str]
) -> list[Cue]:
    """The translation of each segment, from its first gloss to its last."""
    found = []
    for each in segments:
        glosses, text = spans[each.key], texts[each.key]
        if glosses and text:
            found.append(moved([Cue(glosses[0].start, glosses[-1].end, text, None)], each.begin))
    return in_one_line(found)


def _timed(prediction: Prediction) -> Hypothesis:
    """The first output that has times; otherwise all outputs, as one that lasts the whole clip."""
    for output in prediction.outputs.values():
        if isinstance(output, Hypothesis):
            return output
    return Hypothesis(prediction.id, (prediction.text,), prediction.text, 0.0, (0.0,))


def _burn_all(
    sources: Sequence[Source], spans: Mapping[str, Sequence[Cue]], folder: Path, fonts: Fonts, watch: Watch
) -> None:
    done = 0
    with watch.bar("burning", sum(source.frames for source in sources)) as bar:

        def on_frame() -> None:
            nonlocal done
            done += 1
            bar.at(done)

        for source in sources:
            if source.pictures is not None:
                burn(folder / f"{source.name}{BURNT}", source.pictures, spans[source.key], fonts, on_frame)


def notes_of(sources: Sequence[Source], outputs: Outputs) -> list[str]:
    """Landmarks whose ELAN annotations name no video, a line each."""
    if outputs.elan is None:
        return []
    why = {s.file: s.linked.why for s in sources if s.linked is not None and s.linked.path is None}
    return [f"{file}: its annotations name no video: {reason}" for file, reason in why.items()]


def _media(source: Source) -> Path | None:
    """The video file that ELAN can play with the annotations."""
    if source.linked is not None:
        return source.linked.path if source.linked.path and source.linked.path.is_file() else None
    return source.file if source.clip is not None and source.file.is_file() else None


def _share(one: Input, other: Input) -> bool:
    """Whether two inputs are segments of one file, whose annotations are written together."""
    return one is not other and one.is_part and other.is_part and one.file == other.file


def _files(outputs: Outputs, each: Input) -> list[Path]:
    """The output files for an input."""
    files = (
        (outputs.captions, each.annotations, f".{outputs.captions_format}"),
        (outputs.elan, each.annotations, ".eaf"),
        (outputs.burn, each.name, BURNT),
    )
    return [folder / f"{name}{ending}" for folder, name, ending in files if folder is not None]
