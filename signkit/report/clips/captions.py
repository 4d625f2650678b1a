"""Captions in the form of WebVTT (W3C Candidate Recommendation, 4 April 2019)."""

from collections.abc import Iterable

from signkit.report.clips.cues import Cue

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd", "\r": " ", "\n": " "})


def web_vtt(cues: Iterable[Cue]) -> str:
    """The text of a file, numbered cues with a gloss each."""
    blocks = (
        f"\n{number}\n{_time(cue.start)} --> {_time(cue.end)}\n{cue.gloss.translate(ESCAPES)}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "".join(("WEBVTT\n", *blocks))


def _time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{rest:03}"
