"""Captions as WebVTT (W3C Candidate Recommendation, 4 April 2019) or as SubRip's SRT."""

from collections.abc import Callable, Iterable

from signkit.report.clips.cues import Cue

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd", "\r": " ", "\n": " "})


def web_vtt(cues: Iterable[Cue]) -> str:
    """The text of a file, numbered cues with a gloss each."""
    blocks = (
        f"\n{number}\n{_time(cue.start)} --> {_time(cue.end)}\n{cue.gloss.translate(ESCAPES)}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "".join(("WEBVTT\n", *blocks))


def srt(cues: Iterable[Cue]) -> str:
    """The text of an SRT file: as `web_vtt`, but commas in times, no head, and lines that end as on Windows,
    which televisions expect. Nothing can be escaped in it."""
    blocks = (
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_plain(cue.gloss)}\n\n"
        for number, cue in enumerate(cues, 1)
    )
    return "".join(blocks).replace("\n", "\r\n")


def _plain(gloss: str) -> str:
    """A gloss in one line, without an arrow, which is of the line of times alone."""
    return " ".join(gloss.replace("\0", "\ufffd").replace("-->", "->").split())


CAPTIONS: dict[str, Callable[[Iterable[Cue]], str]] = {"vtt": web_vtt, "srt": srt}
"""The forms of captions, by the endings of their files."""


def _time(milliseconds: int, mark: str = ".") -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{rest:03}"
