"""The synthetic corpus: an avatar signs sentences of a small grammar, or single signs. Nothing is downloaded.

Equal options give equal bits on any machine. No sentence of dev or test is in train or in the extra
text, and none is twice in dev and test: what is learnt must be signs and grammar, not sentences.
Clips are drawn when they are loaded; only their sentences and timing are drawn beforehand.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

from signkit.data.corpora.configs import SyntheticConfig
from signkit.data.synthetic import avatar, grammar
from signkit.data.synthetic.avatar import Signer, Stage, Timing
from signkit.data.synthetic.draw import below, shuffled, stream
from signkit.data.synthetic.grammar import Grammar, Sentence, Word
from signkit.data.synthetic.lexicon import draw_lexicon, labels_of
from signkit.errors import UserError
from signkit.types import USUAL_FPS, Corpus, Landmarks, Sample, Segment

VERSION = 1  # raise it when the same options would give other clips
LEXICON, SIGNER, HELD_OUT, TRAIN, EXTRA, TIMING, CLIP, SIGN = range(8)  # purposes of random streams
SPLIT_KEY = {"train": 0, "dev": 1, "test": 2}
Glosses = tuple[tuple[str, ...], ...]
"""Of sentences."""


@dataclass(frozen=True, slots=True)
class Clip:
    """All that is needed to draw a clip."""

    stage: Stage
    signer: Signer
    forms: tuple[int, ...]
    timing: Timing
    key: tuple[int, ...]


def read(config: SyntheticConfig) -> Corpus:
    """The corpus of the options: holistic landmarks, glosses with their times, spoken text.

    Raises:
        UserError: the grammar has too few sentences for the sizes asked for, or too few words to pair.
    """
    language = grammar.build(config.signs, config.homonyms)
    stage = Stage(
        draw_lexicon(language.forms, stream(config.seed, LEXICON)), noise=config.noise, gaps=config.gaps
    )
    splits, extra = _signs(language, config) if config.isolated else _sentences(language, config)
    samples = [
        _sample(stage, config, split, index, sentence)
        for split, sentences in splits.items()
        for index, sentence in enumerate(sentences)
    ]
    return Corpus(
        name="synthetic",
        samples=tuple(samples),
        layout="holistic",
        width=3,
        extra_text=extra,
        fingerprint=_fingerprint(config),
    )


def _signs(language: Grammar, config: SyntheticConfig) -> tuple[dict[str, list[Sentence]], Glosses]:
    """Single signs of each split: all of the lexicon in a random order, again and again."""
    splits = {}
    for split, place in SPLIT_KEY.items():
        bits, words = stream(config.seed, SIGN, place), list[Word]()
        while len(words) < getattr(config, split):
            words += shuffled(bits, language.words)
        splits[split] = [Sentence((word,), word.spoken) for word in words[: getattr(config, split)]]
    return splits, ()


def _sentences(language: Grammar, config: SyntheticConfig) -> tuple[dict[str, list[Sentence]], Glosses]:
    """The sentences of each split, and the extra ones."""
    held_out = _held_out(language, config)
    taken = {sentence.glosses for sentence in held_out}
    train = _others(language, config, TRAIN, taken)
    extra = _others(language, config, EXTRA, taken)
    splits = {
        "train": [next(train) for _ in range(config.train)],
        "dev": held_out[: config.dev],
        "test": held_out[config.dev :],
    }
    return splits, tuple(next(extra).glosses for _ in range(config.extra_sentences))


def _held_out(language: Grammar, config: SyntheticConfig) -> list[Sentence]:
    """The sentences of dev and test, all different."""
    wanted = config.dev + config.test
    bits = stream(config.seed, HELD_OUT)
    sentences: dict[tuple[str, ...], Sentence] = {}
    for _ in range(1000 + 20 * wanted):
        sentence = grammar.draw_sentence(language, bits)
        sentences.setdefault(sentence.glosses, sentence)
        if len(sentences) == wanted:
            return list(sentences.values())
    what = f"dev and test need {wanted} different sentences, more than {config.signs} signs make easily"
    raise UserError("data.signs", what, "take more signs or smaller dev and test")


def _others(
    language: Grammar, config: SyntheticConfig, purpose: int, taken: set[tuple[str, ...]]
) -> Iterator[Sentence]:
    """Sentences without end that are not among those taken."""
    bits = stream(config.seed, purpose)
    misses = 0
    while misses < 1000:
        sentence = grammar.draw_sentence(language, bits)
        misses = misses + 1 if sentence.glosses in taken else 0
        if not misses:
            yield sentence
    what = f"dev and test take nearly all sentences that {config.signs} signs make"
    raise UserError("data.signs", what, "take more signs or smaller dev and test")


def _sample(stage: Stage, config: SyntheticConfig, split: str, index: int, sentence: Sentence) -> Sample:
    key = (config.seed, CLIP, SPLIT_KEY[split], index)
    timing_bits = stream(config.seed, TIMING, SPLIT_KEY[split], index)
    number = _signer_number(config, split, below(timing_bits, 2**30))
    signer = avatar.draw_signer(number, stream(config.seed, SIGNER, number))
    forms = tuple(word.form for word in sentence.words)
    timing = avatar.draw_timing(forms, stage.lexicon, signer, timing_bits)
    name = f"{split}-{index:05d}"
    return Sample(
        id=name,
        split=split,
        reference=sentence.glosses if config.reference == "gloss" else tuple(sentence.text.split()),
        frames=timing.frames,
        load=partial(_load, Clip(stage, signer, forms, timing, key)),
        source=f"synthetic {name}",
        signer=f"signer-{number + 1}",
        text=sentence.text,
        glosses=() if config.reference == "gloss" else sentence.glosses,
        segments=tuple(map(Segment, sentence.glosses, timing.starts, timing.ends)),
        labels=labels_of(stage.lexicon, forms[0]) if config.isolated else {},
        fps=USUAL_FPS,
    )


def _signer_number(config: SyntheticConfig, split: str, chance: int) -> int:
    """Train's signers come first; with unseen signers dev has its own after them, then test."""
    if split == "train" or not config.unseen_signers:
        return chance % config.signers
    own = max(1, config.signers // 4)
    return config.signers + own * (SPLIT_KEY[split] - 1) + chance % own


def _load(clip: Clip) -> Landmarks:
    return Landmarks(
        avatar.perform(clip.stage, clip.signer, clip.forms, clip.timing, clip.key), "holistic", avatar.FPS
    )


def _fingerprint(config: SyntheticConfig) -> str:
    options = {"corpus": "synthetic", "version": VERSION, **asdict(config)}
    if not config.isolated:
        del options["isolated"]  # it is younger than the fingerprints of earlier runs
    if config.reference == "gloss":
        del options["reference"]  # likewise
    text = json.dumps(options, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
