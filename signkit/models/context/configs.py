"""Options of the built-in contexts."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from signkit.config.strict_yaml import Asset, NewPath, Path_, Range


@dataclass(frozen=True, kw_only=True)
class NoneConfig:
    """No context: the same vector for every history, as in CTC."""

    factory: ClassVar[str] = "signkit.models.context.recurrent:build_none"


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig:
    """The last gloss only: one embedding per gloss."""

    factory: ClassVar[str] = "signkit.models.context.recurrent:build_embedding"
    width: Annotated[int, Range(1)] = 256
    dropout: Annotated[float, Range(0, 1)] = 0.0
    gain: Annotated[float, Range(0, 10)] = 1.0
    """Initial size of the context; at 0 a model starts exactly like one without context."""


@dataclass(frozen=True, kw_only=True)
class LstmConfig:
    """A forward LSTM over the glosses so far."""

    factory: ClassVar[str] = "signkit.models.context.recurrent:build_lstm"
    width: Annotated[int, Range(1)] = 256
    layers: Annotated[int, Range(1, 8)] = 1
    dropout: Annotated[float, Range(0, 1)] = 0.0
    gain: Annotated[float, Range(0, 10)] = 1.0
    """Initial size of the context; at 0 a model starts exactly like one without context."""
    pretrain_steps: Annotated[int, Range(0)] = 0
    """Updates as a language model on the train glosses before the main training."""
    pretrain_lr: Annotated[float, Range(0)] = 1e-3
    extra_text: Annotated[str, Path_(optional=True)] = ""
    """A text file of additional gloss sentences for pre-training, one per line."""
    init_from: Annotated[str, Path_(optional=True)] = ""
    """A run folder, such as one of `signkit lm train`, whose context's weights to start from; glosses that it
    lacks start from the mean embedding."""


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """A causal BERT over the glosses so far, with an adaptor to the features' width."""

    factory: ClassVar[str] = "signkit.models.context.bert:build"
    checkpoint: Annotated[str, NewPath()] = "from_scratch"
    """`from_scratch`, a local folder saved by transformers, or a name on the Hub."""
    card: Annotated[str, Asset("lm")] = "gloss_bert"
    """Sizes of a BERT from scratch: a card of `lm/`, by name or path."""
    adaptor_width: Annotated[int, Range(1)] = 64
    dropout: Annotated[float, Range(0, 1)] = 0.1
    """Dropout in the adaptor."""
    gain: Annotated[float, Range(0, 10)] = 1.0
    """Initial size of the context; at 0 a model starts exactly like one without context."""
    freeze: bool = False
    """Train only the adaptor in the main training; pre-training still trains the whole."""
    pretrain_steps: Annotated[int, Range(0)] = 0
    """Updates as a causal language model on the train glosses before the main training."""
    pretrain_lr: Annotated[float, Range(0)] = 1e-3
    extra_text: Annotated[str, Path_(optional=True)] = ""
    """A text file of additional gloss sentences for pre-training, one per line."""
    init_from: Annotated[str, Path_(optional=True)] = ""
    """A run folder, such as one of `signkit lm train`, whose context's weights to start from; glosses that it
    lacks start from the mean embedding."""
