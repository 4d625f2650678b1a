"""Transcripts with alternatives, as sclite reads them.

In ``{ A / B C / @ }`` any one of the alternatives is right; ``@`` stands for nothing. Alternatives can be
nested. Such a text is a network whose arcs are words.
"""

from dataclasses import dataclass

from signkit.errors import UserError

NOTHING = "@"
"""The word that stands for no word; sclite drops it everywhere, also outside braces."""
DEEPEST = 50
HEAD = 0


@dataclass(frozen=True, slots=True)
class Network:
    """Words and which may follow which. ``A { B / C D } E`` is

        words    A     B     C     D     E
        before  (0,)  (1,)  (1,)  (3,)  (2, 4)        0: the beginning, n: the n-th word
        ends    (5,)

    Attributes:
        words: the words, each after all that may precede it.
        before: for each word, the numbers of those that may precede it.
        ends: numbers of the words that may come last; 0 if the text may be empty.
    """

    words: tuple[str, ...]
    before: tuple[tuple[int, ...], ...]
    ends: tuple[int, ...]


def has_alternatives(text: str) -> bool:
    """Whether a text has braces, so that it must be parsed as a network."""
    return "{" in text or "}" in text


def sclite_words(text: str) -> list[str]:
    """The words of a text without alternatives, as sclite reads them.

    Only ASCII white space separates words. Of ``A;B`` sclite takes ``A`` (what follows is a tag) unless the
    semicolon is escaped. It drops backslashes, one asterisk at the end of a longer word, and ``@``.
    """
    words = [word.decode() for word in text.encode().split()]
    if "@" in text or "*" in text or ";" in text or "\\" in text:
        return [word for word in map(sclite_word, words) if word != NOTHING]
    return words


def sclite_word(word: str) -> str:
    """One word as sclite reads it, see `sclite_words`; the result may be empty (of ``;`` alone)."""
    end = word.find(";")
    while end > 0 and word[end - 1] == "\\":
        end = word.find(";", end + 1)
    word = (word if end < 0 else word[:end]).replace("\\", "")
    return word[:-1] if len(word) > 1 and word.endswith("*") else word


def sclite_case(text: str) -> str:
    """Text as sclite compares it without ``-s``: A to Z in lower case, other letters unchanged."""
    return text.encode().lower().decode()


def parse(text: str, where: str) -> Network:
    """The network of a text.

    Args:
        text: the text, with or without alternatives.
        where: file and line, for messages.

    Raises:
        UserError: braces do not match, stand inside a word or are nested over 50 deep, or an alternative is
            empty.
    """
    nodes = _Nodes()
    nodes.lay(_items(text, where), nodes.new(), nodes.new())
    return nodes.network()


@dataclass(frozen=True, slots=True)
class _Alternatives:
    sequences: "list[_Items]"


_Items = list[str | _Alternatives]


def _items(text: str, where: str) -> _Items:
    """Words, and alternatives where there are braces."""
    sequences: list[_Items] = [[]]
    open_: list[list[_Items]] = []
    for mark, word in _marks(text, where):
        if not mark:
            sequences[-1].append(sclite_word(word))
        elif mark == "{":
            if len(open_) == DEEPEST:
                raise UserError(where, f"alternatives are nested over {DEEPEST} deep")
            open_.append([])
            sequences.append([])
        else:
            if not open_:
                raise UserError(where, "`}` closes no `{`")
            if not sequences[-1]:
                raise UserError(where, "an alternative is empty", "write `@` where there may be nothing")
            open_[-1].append(sequences.pop())
            if mark == "/":
                sequences.append([])
            else:
                sequences[-1].append(_Alternatives(open_.pop()))
    if open_:
        raise UserError(where, "`{` is never closed")
    return sequences[0]


def _marks(text: str, where: str) -> list[tuple[str, str]]:
    """The braces and slashes of alternatives, ("{", ""), and the words between them, ("", word)."""
    marks: list[tuple[str, str]] = []
    word, depth = "", 0
    for sign in text + " ":
        blank = sign in " \t\n\v\f\r"
        mark = sign in "{}" or (sign == "/" and depth > 0)
        if not blank and not mark:
            word += sign
            continue
        if word and sign == "{":
            raise UserError(where, f"`{{` stands inside the word {word + sign!r}", "put a blank before it")
        if word:
            marks.append(("", word))
            word = ""
        if mark:
            depth += {"{": 1, "}": -1, "/": 0}[sign]
            marks.append((sign, ""))
    return marks


class _Nodes:
    """A network under construction: words as arcs between numbered nodes; node 0 begins, node 1 ends."""

    def __init__(self) -> None:
        self.leaving: list[list[int]] = []
        self.arriving: list[list[int]] = []
        self.words: list[tuple[str, int, int]] = []

    def new(self) -> int:
        """Add a node and return its number."""
        self.leaving.append([])
        self.arriving.append([])
        return len(self.leaving) - 1

    def lay(self, items: _Items, start: int, stop: int) -> None:
        """Add items one after another between two nodes, alternatives in parallel."""
        for place, item in enumerate(items):
            end = stop if place == len(items) - 1 else self.new()
            if isinstance(item, str):
                self.leaving[start].append(len(self.words))
                self.arriving[end].append(len(self.words))
                self.words.append((item, start, end))
            else:
                for alternative in item.sequences:
                    self.lay(alternative, start, end)
            start = end

    def network(self) -> Network:
        """The network, with words numbered in topological order (Kahn's algorithm over nodes)."""
        number: dict[int, int] = {}
        waiting = [len(words) for words in self.arriving]
        queue = [0]
        for node in queue:
            for word in self.leaving[node]:
                end = self.words[word][2]
                number[word] = len(number) + 1
                waiting[end] -= 1
                if not waiting[end]:
                    queue.append(end)
        before = {word: self._numbers(self.words[word][1], number) for word in number}
        return Network(
            words=tuple(self.words[word][0] for word in number),
            before=tuple(before[word] for word in number),
            ends=self._numbers(1, number),
        )

    def _numbers(self, node: int, number: dict[int, int]) -> tuple[int, ...]:
        return tuple(number[word] for word in self.arriving[node]) or (HEAD,)
