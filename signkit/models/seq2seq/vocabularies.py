"""The vocabularies of a translator that begins with a checkpoint: the checkpoint's own pieces."""

from collections.abc import Sequence
from pathlib import Path

from signkit.config.recipe import SourceConfig, TextConfig
from signkit.errors import UserError
from signkit.models.seq2seq.checkpoint import open_checkpoint
from signkit.models.seq2seq.configs import CARD, Seq2seqConfig
from signkit.models.spec import SOURCE
from signkit.text import subwords
from signkit.text.piece_model import for_text
from signkit.text.sources import as_read
from signkit.text.vocabulary import SUBWORDS, Vocabulary, composed

Sentences = Sequence[Sequence[str]]


def vocabularies_of(
    config: Seq2seqConfig, text: TextConfig, source: SourceConfig, texts: Sentences, sources: Sentences
) -> tuple[Vocabulary, Vocabulary]:
    """The vocabularies of texts and of sources, one and the same where the checkpoint has one.

    Args:
        texts: of train, in words.
        sources: of train.

    Raises:
        UserError: the recipe cuts them otherwise, or the checkpoint cannot be used.
        OperationalError: the Hub cannot be reached.
    """
    card = Path(config.checkpoint)
    if card.name == CARD and card.is_file():  # of a run that is opened again
        own = card.with_name(f"{SOURCE}.{SUBWORDS}")
        first = Vocabulary.of_subwords(subwords.read(Path(text.file)))
        return first, Vocabulary.of_subwords(subwords.read(own)) if own.is_file() else first
    _check_units(text, source)
    read = [[composed(word) for word in as_read(sentence, source)] for sentence in sources]
    written = [[composed(word) for word in sentence] for sentence in texts]
    of_sources, of_texts = open_checkpoint(config.checkpoint).models
    if of_sources is of_texts:
        shared = Vocabulary.of_subwords(for_text(of_texts, [*written, *read], prune=config.prune))
        return shared, shared
    pairs = ((of_texts, written), (of_sources, read))
    found = [Vocabulary.of_subwords(for_text(model, each, prune=config.prune)) for model, each in pairs]
    return found[0], found[1]


def _check_units(text: TextConfig, source: SourceConfig) -> None:
    """Refuse options of pieces that are learnt.

    Raises:
        UserError: there are some.
    """
    for key, unit, wanted in (("text", text.unit, "subword"), ("source", source.unit, "shared")):
        if unit != wanted:
            what = f"is `{unit}`, and `seq2seq` reads and writes the pieces of its checkpoint"
            raise UserError(f"{key}.unit", what, f"{key}.unit: {wanted}")
    for key, given, default in (
        ("text.file", text.file, ""),
        ("text.algorithm", text.algorithm, TextConfig().algorithm),
        ("text.pieces", text.pieces, TextConfig().pieces),
        ("source.pieces", source.pieces, SourceConfig().pieces),
    ):
        if given != default:
            raise UserError(key, "has no effect: the pieces are those of the checkpoint", "leave it out")
