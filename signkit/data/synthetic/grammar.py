"""The language of the synthetic corpus: glosses, sentences with agreement over a distance, homonyms.

A sentence is TOPIC SUBJECT clause [clause] [CLOSER], with a clause OBJECT? ADJECTIVE? VERB ADVERB?.

- The topic is of the home or of the work side, the subject a child or an adult.
- Homonyms come in pairs with one form: in half of the pairs the topic's side decides which of the
  two may be signed, in the others the subject's, however many glosses lie between.
- The closer repeats the subject as a pronoun and agrees with its number, which decides nothing else,
  so that nothing after a homonym tells which of the two it was.

Homonyms are twice as frequent as other words of their role, as ambiguous words are in life.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from signkit.data.synthetic.draw import choose, one
from signkit.errors import UserError

TOPICS = (
    "HOME WORK FAMILY SCHOOL GARDEN OFFICE KITCHEN CITY "
    "EVENING MORNING WEEKEND MONDAY HOLIDAY TODAY NIGHT MEETING"
)  # home and work by turns
SUBJECTS = (
    "BOY MAN TWINS PARENTS GIRL WOMAN PUPILS NEIGHBOURS "
    "BABY TEACHER FRIENDS DOCTORS SON DRIVER BROTHERS FARMERS"
)  # child, adult, children, adults by turns
CONTENT = {
    "verb": (
        "READ WRITE PLAY BUILD BUY SELL FIND LOSE BRING SEND OPEN CLEAN SEE MAKE TAKE GIVE "
        "WANT NEED SHOW HIDE BREAK DRAW COUNT MOVE HOLD PAINT LIFT ORDER COLLECT REPAIR"
    ),
    "object": (
        "BREAD PAPER SOUP LETTER TOY TOOL SPOON PEN BED DESK BOOK CAR TREE PHONE DOOR BALL CUP "
        "COAT LAMP FISH STONE CHAIR HAT KEY BIRD BOX MAP BOAT CLOCK FLOWER BREAKFAST PICTURE"
    ),
    "adjective": (
        "SWEET URGENT WARM NEW RED BIG OLD SMALL BLUE CHEAP HEAVY GREEN BROKEN TIDY LONG "
        "ROUND DIRTY PRETTY WHITE STRANGE"
    ),
    "adverb": "QUIETLY CAREFULLY SLOWLY QUICKLY OFTEN AGAIN TOGETHER ALONE GLADLY RARELY",
}
CLOSERS = ("HE", "THEY")
SHARES = (("verb", 0.30), ("adjective", 0.20), ("adverb", 0.15))  # of the content words; objects are the rest
PAIRS = (
    ("verb", "topic"),
    ("object", "subject"),
    ("object", "topic"),
    ("verb", "subject"),
    ("adjective", "topic"),
    ("adverb", "subject"),
    ("adjective", "subject"),
    ("adverb", "topic"),
)  # the role and the decider of each pair of homonyms in turn; fmt: skip
CLAUSES = (
    ("V",),
    ("OV", "VD"),
    ("OAV", "OVD"),
    ("OAVD", "OVOV"),
    ("OAVOV", "OVOVD"),
)  # by the number of content words less one; fmt: skip
ROLE = {"O": "object", "A": "adjective", "V": "verb", "D": "adverb"}
CLOSER_SHARE = 0.4
HOMONYM_WEIGHT = 2


@dataclass(frozen=True, slots=True)
class Word:
    """A gloss of the lexicon.

    Attributes:
        form: which of the avatar's signs it is; the two of a pair of homonyms have one.
        side: of a topic home (0) or work (1), of a subject child (0) or adult (1); of a homonym the
            side that its decider must have.
        decider: the role that decides a homonym, ``topic`` or ``subject``; empty for other words.
        plural: of subjects and closers.
    """

    gloss: str
    role: str
    form: int
    side: int = 0
    decider: str = ""
    plural: bool = False

    @property
    def spoken(self) -> str:
        """The word of the spoken language: BOOK-2 is a second sign for a book."""
        return self.gloss.split("-")[0].lower()


@dataclass(frozen=True, slots=True)
class Grammar:
    """What may be signed.

    Attributes:
        words: the lexicon.
        forms: how many signs the avatar must know; less than the words by one a pair of homonyms.
        choices: for a role and the sides of topic and subject the words that agree, each as often
            as it weighs.
    """

    words: tuple[Word, ...]
    forms: int
    topics: tuple[Word, ...]
    subjects: tuple[Word, ...]
    closers: tuple[Word, ...]
    choices: dict[tuple[str, int, int], tuple[Word, ...]]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A signed sentence: its words and what it means in the spoken language."""

    words: tuple[Word, ...]
    text: str

    @property
    def glosses(self) -> tuple[str, ...]:
        """The gloss sentence."""
        return tuple(word.gloss for word in self.words)


def build(signs: int, homonyms: float) -> Grammar:
    """The grammar with so many glosses, of which a share are homonyms.

    Raises:
        UserError: more homonyms are asked for than there are content words to pair.
    """
    openers = 2 * min(8, max(1, signs // 16))
    topics = tuple(Word(gloss, "topic", i, side=i % 2) for i, gloss in enumerate(TOPICS.split()[:openers]))
    subjects = tuple(
        Word(gloss, "subject", openers + i, side=i % 2, plural=i % 4 > 1)
        for i, gloss in enumerate(SUBJECTS.split()[:openers])
    )
    pronouns = CLOSERS if openers > 2 else CLOSERS[:1]
    closers = tuple(Word(g, "closer", 2 * openers + i, plural=i == 1) for i, g in enumerate(pronouns))
    opening = topics + subjects + closers
    sizes = _role_sizes(signs - len(opening))
    pairs = _pairs(sizes, round(homonyms * signs / 2), signs)
    content: list[Word] = []
    form = len(opening)
    for role, size in sizes.items():
        for i in range(size):
            decider = pairs[role][i // 2] if i // 2 < len(pairs[role]) else ""
            form -= bool(decider) and i % 2  # the second of a pair has the form of the first
            content.append(Word(_name(role, i), role, form, i % 2 if decider else 0, decider))
            form += 1
    words = (*opening, *content)
    return Grammar(words, form, topics, subjects, closers, _choices(words))


def draw_sentence(grammar: Grammar, bits: np.random.PCG64) -> Sentence:
    """One sentence of 3 to 8 glosses."""
    topic = choose(bits, grammar.topics)
    subject = choose(bits, grammar.subjects)
    pattern = choose(bits, choose(bits, CLAUSES))
    content = [choose(bits, grammar.choices[ROLE[letter], topic.side, subject.side]) for letter in pattern]
    closer: list[Word] = []
    if one(bits) < CLOSER_SHARE:
        closer = [next(word for word in grammar.closers if word.plural == subject.plural)]
    return Sentence((topic, subject, *content, *closer), _spoken(topic, subject, content))


def _role_sizes(content: int) -> dict[str, int]:
    sizes = {role: max(1, int(content * share)) for role, share in SHARES}
    return {**sizes, "object": content - sum(sizes.values())}


def _pairs(sizes: dict[str, int], wanted: int, signs: int) -> dict[str, list[str]]:
    """For each role the deciders of its pairs of homonyms."""
    most = sum(size // 2 for size in sizes.values())
    if wanted > most:
        what = f"{2 * wanted} of {signs} glosses cannot be homonyms, only {2 * most} can be paired"
        raise UserError("data.homonyms", what, f"use at most {int(100 * 2 * most / signs) / 100}")
    pairs: dict[str, list[str]] = {role: [] for role in sizes}
    placed = 0
    while placed < wanted:
        for role, decider in PAIRS:
            if placed < wanted and len(pairs[role]) < sizes[role] // 2:
                pairs[role].append(decider)
                placed += 1
    return pairs


def _choices(words: tuple[Word, ...]) -> dict[tuple[str, int, int], tuple[Word, ...]]:
    table = {}
    for role, topic, subject in product(CONTENT, (0, 1), (0, 1)):
        sides = {"topic": topic, "subject": subject}
        fitting: list[Word] = []
        for word in words:
            if word.role == role and (not word.decider or word.side == sides[word.decider]):
                fitting += [word] * (HOMONYM_WEIGHT if word.decider else 1)
        table[role, topic, subject] = tuple(fitting)
    return table


def _name(role: str, index: int) -> str:
    """The first names as they are, then their variants: BOOK, BOOK-2, BOOK-3."""
    names = CONTENT[role].split()
    variant, place = divmod(index, len(names))
    return names[place] if variant == 0 else f"{names[place]}-{variant + 1}"


def _spoken(topic: Word, subject: Word, content: list[Word]) -> str:
    clauses: list[str] = []
    thing = ""
    for word in content:
        if word.role == "object":
            thing = f"the {word.spoken}"
        elif word.role == "adjective":
            thing = thing.replace("the ", f"the {word.spoken} ", 1)
        elif word.role == "verb":
            clauses.append(" ".join(filter(None, [word.spoken + ("" if subject.plural else "s"), thing])))
            thing = ""
        else:
            clauses[-1] += f" {word.spoken}"
    return f"as for {topic.spoken} , the {subject.spoken} {' and '.join(clauses)} ."
