"""Options of the built-in tasks: none but what they are called by."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class RecognitionConfig:
    """Signs to glosses or letters over a lattice of chunks: CTC and contextual transduction."""

    factory: ClassVar[str] = "signkit.tasks.recognition.task:build"


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """Sentences judged by a language model: what comes next, or what is masked."""

    factory: ClassVar[str] = "signkit.tasks.language.task:build"
