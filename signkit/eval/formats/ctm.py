"""CTM, NIST's format of words with times: ``recording channel begin duration word [confidence]``."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signkit.config.suggest import nearest
from signkit.errors import UserError
from signkit.eval.formats.ctm_lines import LINE, TAGS, Track, read_group, read_word
from signkit.eval.formats.textlines import note, settle
from signkit.eval.tokens import folding
from signkit.eval.transcripts import Transcripts

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FAR = 1.0
"""Seconds outside all segments that are worth a note."""
SLACK = 0.01
"""Seconds by which a word may miss a segment without a note: times are often rounded to hundredths."""
MOST_NAMES = 5000  # among more names, finding the most similar one takes too long


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a CTM file, in the file's order.

    Attributes:
        source: name of the file, for messages.
        words: the words.
        tracks: the distinct pairs of recording and channel, in order of their first word.
        track: int64 [words], index in `tracks` of each word.
        begin: float64 [words], in seconds.
        middle: float64 [words], in seconds; of alternatives the latest middle of a word in them.
        lines: int64 [words], line numbers, counted from 1.
        alternatives: whether some of the words are alternatives, ``{ A / B C }``.
    """

    source: str
    words: list[str]
    tracks: tuple[Track, ...]
    track: Ints
    begin: Floats
    middle: Floats
    lines: Ints
    alternatives: bool = False

    def first_line(self, track: int) -> int:
        """The line of the first word of a track."""
        return int(self.lines[np.argmax(self.track == track)])


def read_words(source: str, lines: list[str]) -> Words:
    """The words of a CTM file; alternatives between ``<ALT_BEGIN>`` and ``<ALT_END>`` count as one word.

    Raises:
        UserError: a line has a fault, see `read_word` and `read_group`.
    """
    words: list[str] = []
    tracks: dict[Track, int] = {}
    track, numbers = array("q"), array("q")
    begins, middles = array("d"), array("d")
    faults: list[UserError] = []
    several = False
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        fields = line.split(None, 6)
        if not fields or fields[0][0] == ";":  # in a CTM one semicolon begins a comment, as in sclite
            continue
        # the common case is parsed without function calls, which matters for millions of lines
        try:
            begin, duration = float(fields[2]), float(fields[3])
            word = fields[4]
            plain = word[0] != "<" and (len(fields) == 5 or float(fields[5]) >= 0)
        except (IndexError, ValueError):
            plain = False
        if plain:
            key, middle = (fields[0], fields[1]), begin + duration / 2
        else:
            try:
                if len(fields) > 4 and fields[4].upper() in TAGS:
                    key, begin, middle, word = read_group(source, numbered, number, fields)
                    several = True
                else:
                    key, begin, middle, word = read_word(f"{source}:{number}", fields)
            except UserError as fault:
                note(faults, fault, source)
                continue
        track.append(tracks.setdefault(key, len(tracks)))
        begins.append(begin)
        middles.append(middle)
        words.append(word)
        numbers.append(number)
    settle(faults)
    if several:
        _check_braces(source, words, numbers)
    table = Words(
        source,
        words,
        tuple(tracks),
        np.array(track, dtype=np.int64),
        np.array(begins, dtype=np.float64),
        np.array(middles, dtype=np.float64),
        np.array(numbers, dtype=np.int64),
        several,
    )
    _check_finite(table)
    return table


def cut(words: Words, reference: Transcripts) -> Transcripts:
    """Assign words to the segments of a reference, as sclite does.

    Recordings and channels are compared without the case of A to Z. Words and segments of a track (recording
    and channel) are walked in file order: a segment takes words until the first whose middle is not before
    the segment's end; the last segment takes all that are left. So a word between two segments goes to the
    second, and none is lost. A track that is scattered over a file is sorted by time (sclite refuses it).
    Segments of tracks without words are left out; the caller decides whether they count as empty.

    Raises:
        UserError: the reference lacks a recording or channel; the first line of it is named.
    """
    places: dict[Track, int] = {}
    segments = reference.segments
    of_segment = np.array([places.setdefault(_folded(s.recording, s.channel), len(places)) for s in segments])
    begins = np.array([segment.begin for segment in segments])
    ends = np.array([segment.end for segment in segments], dtype=np.float32)  # the precision of sclite
    if not words.words:
        return _transcripts(words, [], *[np.zeros(0, dtype=np.int64)] * 3)
    for number, name in enumerate(words.tracks):
        if _folded(*name) not in places:
            raise _unknown_track(words, number, reference)
    of_word = np.array([places[_folded(*name)] for name in words.tracks])[words.track]
    of_file, in_time = _file_order(of_segment, begins), _file_order(of_word, words.begin)
    middles = words.middle[in_time]
    of_segment, of_word = of_segment[of_file], of_word[in_time]
    place = _places(of_segment, ends[of_file].astype(np.float64), of_word, middles)
    bounds = np.searchsorted(place, np.arange(len(segments) + 1))
    there = np.flatnonzero(np.isin(of_segment, of_word))
    there = there[np.argsort(of_file[there])]
    ids = [reference.ids[place] for place in of_file[there].tolist()]
    cut_words = _transcripts(words, ids, in_time, bounds[there], bounds[there + 1])
    begins, last = begins[of_file], ends[of_file].astype(np.float64)
    notes = (
        *_overlaps(reference, of_segment, begins, last),
        *_far_outside(words, of_word, middles, (of_segment, begins, last)),
        *_in_gaps(words, in_time, of_word, middles, (of_segment, begins, last)),
    )
    return replace(cut_words, notes=notes)


def by_recording(words: Words) -> Transcripts:
    """One utterance for each recording and channel, with its words in order of time.

    The id is the recording if each has only one channel in the file, else ``recording-channel``.
    """
    alone = len({recording for recording, _ in words.tracks}) == len(words.tracks)
    ids = [recording if alone else f"{recording}-{channel}" for recording, channel in words.tracks]
    order = np.lexsort((words.begin, words.track))
    bounds = np.searchsorted(words.track[order], np.arange(len(ids) + 1))
    return _transcripts(words, ids, order, bounds[:-1], bounds[1:])


def _places(of_segment: Ints, ends: Floats, of_word: Ints, middles: Floats) -> Ints:
    """The segment of each word; both sides must be sorted by track, and within one in sclite's order.

    sclite never goes back to a segment that it has left. So the middle of a word counts as the latest middle
    so far, and the end of a segment as the latest end so far: running maxima, after which each word can be
    searched for by bisection.
    """
    # one integer for track and rank of the time, so that a single running maximum serves all tracks
    times, rank = np.unique(np.concatenate([ends, middles]), return_inverse=True)
    rank = rank.reshape(-1)
    segment_key = np.maximum.accumulate(of_segment * len(times) + rank[: len(ends)])
    word_key = np.maximum.accumulate(of_word * len(times) + rank[len(ends) :])
    place = np.searchsorted(segment_key, word_key, side="right")
    return np.minimum(place, np.searchsorted(of_segment, of_word, side="right") - 1)


def _file_order(track: Ints, begin: Floats) -> Ints:
    """The order by track, and within a track that of the file; by time if the track is scattered."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(track)) + 1])
    scattered = np.bincount(track[starts])[track] > 1
    return np.lexsort((np.where(scattered, begin, 0.0), track))


def _transcripts(words: Words, ids: Sequence[str], order: Ints, begin: Ints, end: Ints) -> Transcripts:
    """Utterances of the words ``order[begin:end]``; one without words gets the line of a nearby word."""
    ordered = [words.words[place] for place in order.tolist()]
    texts = tuple(" ".join(ordered[a:b]) for a, b in zip(begin.tolist(), end.tolist(), strict=True))
    lines = words.lines[order[np.minimum(begin, len(order) - 1)]].tolist()
    return Transcripts(
        words.source,
        "ctm",
        tuple(ids),
        texts,
        lines,
        a_word_a_line=True,
        ctm_alternatives=words.alternatives,
    )


def _overlaps(reference: Transcripts, of_segment: Ints, begins: Floats, ends: Floats) -> tuple[str, ...]:
    """A note on segments of different signers that overlap on one channel.

    Args:
        reference: the segments with their signers.
        of_segment: the track of each segment, sorted.
        begins: of each segment, in the same order.
        ends: of each segment, in the same order.
    """
    signers: dict[Track, set[str]] = {}
    for segment, signer in zip(reference.segments, reference.signers, strict=False):
        signers.setdefault(_folded(segment.recording, segment.channel), set()).add(signer)
    order = np.lexsort((begins, of_segment))
    track, begins, ends = of_segment[order], begins[order], ends[order]
    touched = np.unique(track[1:][(track[1:] == track[:-1]) & (begins[1:] < ends[:-1])])
    names = list(signers)
    shared = [names[number] for number in touched.tolist() if len(signers[names[number]]) > 1]
    if not shared:
        return ()
    recording, channel = shared[0]
    more = f" (and of {len(shared) - 1} more)" if len(shared) > 1 else ""
    return (
        f"{reference.source}: on channel {channel!r} of {recording!r}{more} segments of several signers "
        "overlap: a word goes to the first of them that ends after its middle, as in sclite, whoever "
        "signed it",
    )


def _far_outside(
    words: Words, of_word: Ints, middles: Floats, segments: tuple[Ints, Floats, Floats]
) -> tuple[str, ...]:
    """A note on words far before or after all segments of their track, or all of one time.

    Args:
        words: the words.
        of_word: the track of each word.
        middles: of each word, in the same order.
        segments: track, begin and end of each segment.
    """
    if len(middles) > 1 and not words.middle.any():
        return (f"{words.source}: the times of all {len(middles)} words are 0, so no segment can be told",)
    track, begins, ends = segments
    count = int(max(track.max(), of_word.max())) + 1
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, track, begins)
    np.maximum.at(last, track, ends)
    far = (middles < first[of_word] - FAR) | (middles > last[of_word] + FAR)
    if not far.any():
        return ()
    return (
        f"{words.source}: {far.sum()} of {len(far)} words lie more than {FAR:g} s outside every segment of "
        "the reference; are the times in seconds? They are given to the first or last one, as by "
        "sclite",
    )


def _in_gaps(
    words: Words, in_time: Ints, of_word: Ints, middles: Floats, segments: tuple[Ints, Floats, Floats]
) -> tuple[str, ...]:
    """A note on words between two segments of their track, in neither of them.

    Args:
        words: the words.
        in_time: the place of each word in the file.
        of_word: the track of each word, in the order of `in_time`.
        middles: of each word, in the same order.
        segments: track, begin and end of each segment.
    """
    if not words.middle.any():
        return ()  # there are no times
    track, begins, ends = segments
    opened, closed = (_counted(track, times, of_word, middles) for times in (begins - SLACK, ends + SLACK))
    all_of = np.bincount(track, minlength=int(max(track.max(), of_word.max())) + 1)[of_word]
    gaps = (opened == closed) & (opened > 0) & (opened < all_of)
    if not gaps.any():
        return ()
    first = in_time[gaps].min()
    count = int(gaps.sum())
    lie, they = ("1 word lies", "it is") if count == 1 else (f"{count} words lie", "they are")
    return (
        f"{words.source}: {lie} between segments of the reference, in none of them "
        f"({words.words[first]!r} in line {words.lines[first]}): {they} given to the segment that "
        "follows, as by sclite",
    )


def _counted(track: Ints, times: Floats, of_word: Ints, middles: Floats) -> Ints:
    """How many of the times of a track are not after each word's middle: [words]."""
    known, rank = np.unique(np.concatenate([times, middles]), return_inverse=True)
    rank = rank.reshape(-1)
    keys = np.sort(track * len(known) + rank[: len(times)])
    found = np.searchsorted(keys, of_word * len(known) + rank[len(times) :], side="right")
    return np.asarray(found - np.searchsorted(keys, of_word * len(known)))


def _check_braces(source: str, words: Sequence[str], numbers: Sequence[int]) -> None:
    """Refuse words with braces beside alternatives, which alone have blanks in them."""
    for word, number in zip(words, numbers, strict=True):
        if " " not in word and not {"{", "}"}.isdisjoint(word):
            raise UserError(
                f"{source}:{number}", f"the word {word!r} cannot stand in a file with alternatives"
            )


def _check_finite(words: Words) -> None:
    wrong = np.flatnonzero(~np.isfinite(words.middle))
    if len(wrong):
        raise UserError(f"{words.source}:{words.lines[wrong[0]]}", "a time is not finite", LINE)


def _unknown_track(words: Words, number: int, reference: Transcripts) -> UserError:
    recording, channel = words.tracks[number]
    where = f"{words.source}:{words.first_line(number)}"
    tracks = dict.fromkeys((s.recording, s.channel) for s in reference.segments)
    channels = [known for name, known in tracks if _folded(name) == _folded(recording)]
    if channels:
        what = f"the reference has no channel {channel!r} of the recording {recording!r}"
        return UserError(where, what, f"it has {', '.join(map(repr, channels))}")
    recordings = dict.fromkeys(name for name, _ in tracks)
    return UserError(where, f"the reference has no recording {recording!r}", _near(recording, recordings))


_FOLD = folding("ascii")


def _folded(recording: str, channel: str = "") -> Track:
    """The names of a recording and a channel as sclite compares them."""
    return _FOLD(recording), _FOLD(channel)


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = nearest(name, names) if len(names) <= MOST_NAMES else None
    return f"did you mean {near!r}?" if near else ""
