"""Registration of the built-in tasks. They have no options."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class RecognitionConfig:
    """Signs to glosses or letters over a lattice of chunks: CTC and contextual transduction."""

    factory: ClassVar[str] = "signkit.tasks.recognition.task:build"


@dataclass(frozen=True, kw_only=True)
class SequenceConfig:
    """Signs to glosses, letters or words, token by token, by a decoder with attention."""

    factory: ClassVar[str] = "signkit.tasks.sequence.task:build"


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """Language models of sentences, causal or masked."""

    factory: ClassVar[str] = "signkit.tasks.language.task:build"


@dataclass(frozen=True, kw_only=True)
class ClassificationConfig:
    """Classes of whole clips: signs, letters, parts of a notation."""

    factory: ClassVar[str] = "signkit.tasks.classification.task:build"


@dataclass(frozen=True, kw_only=True)
class SegmentationConfig:
    """Signs to glosses by finding the segments of a clip first, then classifying each."""

    factory: ClassVar[str] = "signkit.tasks.segmentation.task:build"


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Classes of the latent vectors of an autoencoder, by what scikit-learn fits to them."""

    factory: ClassVar[str] = "signkit.tasks.autoencoder.task:build"
