"""From the beams of an attention search to the texts of each sample, best first."""

from collections.abc import Sequence
from dataclasses import replace

from jaxtyping import Float64
from torch import Tensor

from signkit.decode.configs import AttentionSearchConfig
from signkit.decode.doubt import with_doubted_replaced
from signkit.decode.expected import highest_expected
from signkit.decode.readings import Read, by_sample
from signkit.decode.state import Candidate
from signkit.errors import UserError
from signkit.models.attention import Encoded
from signkit.text.vocabulary import UNKNOWN_AT, Vocabulary


def chosen_texts(
    ids: Sequence[str],
    lists: Sequence[list[Candidate]],
    encoded: Sequence[Encoded],
    logs: Float64[Tensor, " rows"] | None,
    config: AttentionSearchConfig,
    vocabulary: Vocabulary,
) -> list[Read]:
    """The texts of each sample: of all readings of its source together, by their expected score where
    `decode.expected` asks for it, headed by `decode.doubtful` where its confidence is too low.

    Args:
        ids: of the rows; those of the same sample follow each other.
        lists: the texts that the search found for each row.
        encoded: what each model read of the batch.
        logs: the log score of each row's reading; None if each row is another sample.
    """
    found = by_sample(ids, lists, logs, encoded[0].lengths, config)
    of_samples = [each.candidates for each in found]
    if config.expected != "none":
        of_samples = [highest_expected(each, vocabulary, config.expected) for each in of_samples]
    if tokens := doubtful_tokens(config, vocabulary):
        of_samples = with_doubted_replaced(of_samples, encoded, config.doubt, tokens)
    return [replace(each, candidates=texts) for each, texts in zip(found, of_samples, strict=True)]


def doubtful_tokens(config: AttentionSearchConfig, vocabulary: Vocabulary) -> tuple[int, ...]:
    """The tokens of the text for clips of little confidence; none where there are no such clips.

    Raises:
        UserError: the model cannot write it.
    """
    if not config.doubt:
        return ()
    tokens = vocabulary.split(config.doubtful)
    if unknown := [token for token in tokens if UNKNOWN_AT in vocabulary.encode((token,))]:
        raise UserError("decode.doubtful", f"has {unknown[0]!r}, which the model cannot write")
    return tuple(vocabulary.encode(tokens))
