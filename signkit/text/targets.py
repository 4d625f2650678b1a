"""References in the unit that a model writes: glosses, characters or subwords."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from signkit.config.recipe import TextConfig
from signkit.text import subwords
from signkit.text.vocabulary import Vocabulary, composed
from signkit.types import Corpus, Sample


def vocabulary_of(text: TextConfig, corpus: Corpus) -> Vocabulary:
    """The vocabulary of the train references; of subwords that of a file, or learnt of extra text too."""
    references = [sample.reference for sample in corpus.split("train")]
    if text.unit == "gloss":
        return Vocabulary.from_references(references)
    if text.unit == "character":
        return Vocabulary.from_references((tuple(" ".join(words)) for words in references), "character")
    if text.file:
        return Vocabulary.of_subwords(subwords.read(Path(text.file)))
    sentences = ([composed(word) for word in words] for words in (*references, *corpus.extra_text))
    return Vocabulary.of_subwords(subwords.learn(sentences, text.pieces, algorithm=text.algorithm))


def fewer_pieces(vocabulary: Vocabulary, text: TextConfig) -> str:
    """That train has fewer subwords than were asked for; "" where it has enough."""
    learnt = len(vocabulary) - 2
    if text.unit != "subword" or text.file or learnt >= text.pieces:
        return ""
    return f"{learnt} subwords were learnt, not {text.pieces}: train has no more"


def in_unit(samples: Sequence[Sample], vocabulary: Vocabulary) -> tuple[Sample, ...]:
    """The samples with the characters as reference, or with words in composed form. Segments of glosses are
    dropped; those of single characters, as of spelled letters, stay for a model of characters.

    Raises:
        UserError: a word cannot be cut into pieces.
    """
    if vocabulary.unit == "gloss":
        return tuple(samples)
    return tuple(_in_unit(sample, vocabulary) for sample in samples)


def _in_unit(sample: Sample, vocabulary: Vocabulary) -> Sample:
    reference = vocabulary.split(" ".join(sample.reference))
    vocabulary.segment(reference)  # a word that cannot be cut is found before the training
    of_letters = vocabulary.unit == "character" and all(len(each.gloss) == 1 for each in sample.segments)
    return replace(sample, reference=reference, segments=sample.segments if of_letters else ())
