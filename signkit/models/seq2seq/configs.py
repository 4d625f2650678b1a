"""Options of translators that begin with a checkpoint of transformers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from signkit.config.strict_yaml import NewPath, Range
from signkit.errors import UserError

CARD = "network.json"
"""The sizes of a run's network, in the run's folder and in its export."""


@dataclass(frozen=True, kw_only=True)
class Seq2seqConfig:
    """A translator of written sources that begins with a checkpoint: mBART, T5, Marian, M2M100 or NLLB."""

    factory: ClassVar[str] = "signkit.models.seq2seq.model:build"
    task: ClassVar[str] = "sequence"
    needs: ClassVar[tuple[str, ...]] = ()
    losses: ClassVar[tuple[str, ...]] = ("next_token",)
    decoder: ClassVar[str] = "attention"
    reads: ClassVar[str] = "text"
    head: ClassVar[str] = "attention"
    ctc: ClassVar[str] = "text"
    backwards: ClassVar[float] = 0.0
    confidence: ClassVar[float] = 0.0
    confidence_from: ClassVar[tuple[str, ...]] = ()
    checkpoint: Annotated[str, NewPath()]
    """A local folder saved by transformers, or a name on the Hub, with its sentencepiece model."""
    prune: bool = True
    """Leave out the pieces that neither the texts nor the sources of train have."""
    source_language: str = ""
    """Language of the sources as the checkpoint names it, such as `de_DE`; for checkpoints with languages."""
    target_language: str = ""
    """Language of the texts."""
    prefix: str = ""
    """What each source begins with, such as T5's `translate German to English:`."""
    dropout: Annotated[float, Range(0, 1)] = 0.1
    """Dropout of the network, in place of the checkpoint's."""
    noise: Annotated[float, Range(0, 1)] = 0.0
    """Share of the tokens so far that are hidden from the decoder in training."""

    def check_recipe(self, losses: Sequence[str], decode: Any) -> None:
        """Refuse options of decoding that need another model.

        Raises:
            UserError: there are some.
        """
        if decode.ctc_weight not in (0.0, type(decode)().ctc_weight):
            raise UserError("decode.ctc_weight", "has no effect: the model has no CTC head", "leave it out")
        if decode.doubt:
            raise UserError("decode.doubt", "has no effect: the model has no confidence", "leave it out")
