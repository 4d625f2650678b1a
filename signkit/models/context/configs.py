"""Options of the built-in contexts: what reads the glosses so far."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from signkit.config.strict_yaml import Asset, Path_, Range


@dataclass(frozen=True, kw_only=True)
class NoneConfig:
    """No context: the same vector for every history, as in CTC."""

    factory: ClassVar[str] = "signkit.models.context.recurrent:build_none"


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig:
    """The last gloss only: one embedding a gloss."""

    factory: ClassVar[str] = "signkit.models.context.recurrent:build_embedding"
    width: Annotated[int, Range(1)] = 256
    dropout: Annotated[float, Range(0, 1)] = 0.0
    gain: Annotated[float, Range(0, 10)] = 1.0
    """Size of the context at the start; at 0 a model begins exactly as the one without context."""


@dataclass(frozen=True, kw_only=True)
class LstmConfig:
    """A forward LSTM over the glosses so far."""

    factory: ClassVar[str] = "signkit.models.context.recurrent:build_lstm"
    width: Annotated[int, Range(1)] = 256
    layers: Annotated[int, Range(1, 8)] = 1
    dropout: Annotated[float, Range(0, 1)] = 0.0
    gain: Annotated[float, Range(0, 10)] = 1.0
    """Size of the context at the start; at 0 a model begins exactly as the one without context."""
    pretrain_steps: Annotated[int, Range(0)] = 0
    """Updates as a language model of the train glosses before the main training."""
    pretrain_lr: Annotated[float, Range(0)] = 1e-3
    extra_text: Annotated[str, Path_(optional=True)] = ""
    """A text file of further gloss sentences to pre-train on, one a line."""
    init_from: Annotated[str, Path_(optional=True)] = ""
    """A run folder, as of `signkit lm train`, whose context to begin with; glosses it lacks begin with the
    mean embedding."""


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """A causal BERT over the glosses so far, with an adaptor to the features' width."""

    factory: ClassVar[str] = "signkit.models.context.bert:build"
    checkpoint: str = "from_scratch"
    """`from_scratch`, a local folder saved by transformers, or a name on the Hub."""
    card: Annotated[str, Asset("lm")] = "gloss_bert"
    """Sizes when made from scratch: a card of `lm/`, by name or path."""
    adaptor_width: Annotated[int, Range(1)] = 64
    dropout: Annotated[float, Range(0, 1)] = 0.1
    """Of the adaptor."""
    gain: Annotated[float, Range(0, 10)] = 1.0
    """Size of the context at the start; at 0 a model begins exactly as the one without context."""
    freeze: bool = False
    """Train the adaptor only; before the main training, the whole."""
    pretrain_steps: Annotated[int, Range(0)] = 0
    """Updates as a causal language model of the train glosses before the main training."""
    pretrain_lr: Annotated[float, Range(0)] = 1e-3
    extra_text: Annotated[str, Path_(optional=True)] = ""
    """A text file of further gloss sentences to pre-train on, one a line."""
    init_from: Annotated[str, Path_(optional=True)] = ""
    """A run folder, as of `signkit lm train`, whose context to begin with; glosses it lacks begin with the
    mean embedding."""
