"""Captions as transcripts: WebVTT and SubRip (.srt)."""

import html
import re
from collections.abc import Iterator

from signkit.errors import UserError
from signkit.eval.formats.annotations import Annotation
from signkit.eval.formats.textlines import note, settle

TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
TIMES = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?")
SRT_MARKS = re.compile(r"</?(?:b|i|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
VTT_MARKS = re.compile(r"</?(?:(?:c|i|b|u|v|lang|ruby|rt|font)(?:[.\s][^<>]*)?)?>|<(?:\d+:)?\d+:\d+\.\d+>")
"""The tags of WebVTT, which are lowercase, and the frequent ``<font>``; any other ``<unk>`` is a word."""
NOT_CUES = ("NOTE", "STYLE", "REGION")


def is_vtt(lines: list[str]) -> bool:
    """Whether the lines are those of a WebVTT file."""
    return bool(lines) and re.match(r"\ufeff?WEBVTT(\s|$)", lines[0]) is not None


def is_srt(lines: list[str]) -> bool:
    """Whether the lines begin with a cue of SubRip, its number left out or not."""
    some = [line for line in lines[:50] if line.strip()][:2]
    return any(map(TIMES.fullmatch, some))


def read_captions(source: str, lines: list[str], format: str) -> list[Annotation]:
    """The cues of a caption file, their lines joined, without mark-up.

    Args:
        source: name of the file, for messages.
        lines: its lines.
        format: ``vtt`` or ``srt``.

    Raises:
        UserError: it is no such file, or a cue ends before it begins.
    """
    if format == "vtt" and not is_vtt(lines):
        raise UserError(f"{source}:1", "does not begin with WEBVTT", "`--format srt` reads SubRip")
    cues: list[Annotation] = []
    faults: list[UserError] = []
    for number, block in _blocks(lines[1:] if format == "vtt" else lines, 2 if format == "vtt" else 1):
        place = next((place for place, line in enumerate(block[:2]) if "-->" in line), None)
        if format == "vtt" and block[0].split()[0] in NOT_CUES:
            continue
        if place is None:
            if format == "vtt" and number == 2:
                continue  # the rest of the header
            note(faults, UserError(f"{source}:{number}", "is no cue: it has no line with `-->`"), source)
            continue
        times = TIMES.fullmatch(block[place])
        where = f"{source}:{number + place}"
        if times is None:
            note(faults, UserError(where, "the times are not like 00:01.000 --> 00:02.000"), source)
            continue
        begin, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        if end < begin:
            note(faults, UserError(where, "the cue ends before it begins"), source)
            continue
        text = " ".join(block[place + 1 :])
        text = html.unescape(VTT_MARKS.sub("", text)) if format == "vtt" else SRT_MARKS.sub("", text)
        cues.append(Annotation(begin, end, text, number + place))
    settle(faults)
    return cues


def _blocks(lines: list[str], first: int) -> Iterator[tuple[int, list[str]]]:
    """Lines between blank ones, each block with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], first):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction}")
