"""Options of the built-in models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from signkit.config.strict_yaml import Path_, Range
from signkit.data.hamnosys import CLASSES
from signkit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class C2stConfig:
    """Contextual transduction: encoder and context fused at chunk and video level (Zhang et al. 2023)."""

    factory: ClassVar[str] = "signkit.models.c2st:build"
    task: ClassVar[str] = "recognition"
    needs: ClassVar[tuple[str, ...]] = ("encoder", "context")
    topology: Literal["ctc", "monotonic", "rnnt"] = "ctc"
    """The paths of a gloss sequence: CTC's lattice, one chunk per gloss, or several glosses in a chunk."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on the features before the output layer."""
    normalised: bool = False
    """Divide each symbol's weights by their norm, as published systems do."""


@dataclass(frozen=True, kw_only=True)
class CtcModelConfig:
    """An encoder with an output layer and CTC, without context."""

    factory: ClassVar[str] = "signkit.models.ctc:build"
    task: ClassVar[str] = "recognition"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    takes: ClassVar[tuple[str, ...]] = ("context",)
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on the features before the output layer."""
    normalised: bool = False
    """Divide each symbol's weights by their norm, as published systems do."""


Unknown = Annotated[float, Range(0, 1)]
Width = Annotated[int, Range(1)]


@dataclass(frozen=True, kw_only=True)
class AttentionConfig:
    """An encoder and an autoregressive decoder, alone or with a CTC head on the same features."""

    factory: ClassVar[str] = "signkit.models.attention:build"
    task: ClassVar[str] = "sequence"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    losses: ClassVar[tuple[str, ...]] = ("next_token", "ctc")
    decoder: ClassVar[str] = "attention"
    head: Literal["attention", "both"] = "attention"
    """`both`: a CTC head too, which the loss `ctc` trains and `decode.ctc_weight` listens to."""
    ctc: Literal["text", "gloss"] = "text"
    """What the CTC head writes: the text, or the glosses of a corpus whose reference is a text, which are
    recognised too then (joint recognition and translation)."""
    network: Literal["transformer", "gru"] = "transformer"
    """The decoder's. A `gru` has no `heads` and no `feed_forward`."""
    width: Width = 256
    """Width of the decoder, a multiple of `heads`."""
    layers: Annotated[int, Range(1)] = 2
    heads: Annotated[int, Range(1)] = 4
    feed_forward: Annotated[int, Range(1)] = 512
    dropout: Annotated[float, Range(0, 1)] = 0.1
    attention_dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on the weights of attention."""
    noise: Annotated[float, Range(0, 1)] = 0.0
    """Share of the tokens so far that are hidden from the decoder in training."""
    backwards: Annotated[float, Range(0)] = 0.0
    """Weight of the loss of a second decoder, in training only, of the reversed text; 0: none."""
    tied: bool = False
    """Use the table of the tokens' vectors as the output layer too."""
    tied_source: bool = False
    """Use it for the tokens of written sources too: of `source.unit: shared` and an encoder of this width."""
    confidence: Annotated[float, Range(0)] = 0.0
    """Weight of the loss of a head that learns how right the text of a clip will be, which `decode.doubt`
    listens to; 0: none."""
    confidence_from: tuple[Annotated[str, Path_()], ...] = ()
    """Finished runs, one of each fold, whose texts of dev are scored to teach it. Clips of train that none of
    them has in dev do not."""

    def __post_init__(self) -> None:
        if self.network == "transformer" and self.width % self.heads:
            raise UserError("width", f"{self.width} is no multiple of the {self.heads} heads")
        if bool(self.confidence) != bool(self.confidence_from):
            if self.confidence:
                raise UserError("confidence", "is learnt from texts of runs", "confidence_from: [RUN, RUN]")
            raise UserError("confidence_from", "teaches a head that has no weight", "confidence: 0.02")

    def check_recipe(self, losses: Sequence[str], decode: Any) -> None:
        """Refuse losses and options of decoding that do not fit the heads.

        Args:
            losses: their names.
            decode: the section `decode`.

        Raises:
            UserError: one of them does not.
        """
        both = self.head == "both"
        if "ctc" in losses and not both:
            raise UserError("train.losses", "has `ctc`, and the model has no CTC head", "model.head: both")
        if "ctc" not in losses and both:
            hint = "add `{name: ctc, weight: 0.3}`"
            raise UserError("model.head", "is `both`, and no loss trains the CTC head", hint)
        if "next_token" not in losses:
            what = "has no `next_token`, which trains the decoder"
            raise UserError("train.losses", what, "add `{name: next_token}`")
        if self.ctc == "gloss" and not both:
            raise UserError("model.ctc", "is of the CTC head, and the model has none", "model.head: both")
        if (not both or self.ctc == "gloss") and decode.ctc_weight not in (0.0, type(decode)().ctc_weight):
            what = "the CTC head writes glosses" if both else "the model has no CTC head"
            raise UserError("decode.ctc_weight", f"has no effect: {what}", "leave it out")
        if decode.doubt and not self.confidence:
            raise UserError("decode.doubt", "has no effect: the model has no confidence", "leave it out")


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig:
    """A causal language model: a context and an output layer. Index 0 stands for the sentence's end."""

    factory: ClassVar[str] = "signkit.models.language_model:build"
    task: ClassVar[str] = "language"
    needs: ClassVar[tuple[str, ...]] = ("context",)
    losses: ClassVar[tuple[str, ...]] = ("next_token",)
    predicts_end: ClassVar[bool] = True
    width: Width = 256
    """Width of the context's vectors."""
    unknown: Unknown = 0.5
    """Probability, drawn again in each epoch, that a token which occurs once in train is read as unknown, so
    that the probability of the unknown token is learnt."""


@dataclass(frozen=True, kw_only=True)
class MaskedLmConfig:
    """A masked language model (Devlin et al. 2019): a bidirectional BERT that predicts masked tokens."""

    factory: ClassVar[str] = "signkit.models.masked_lm:build"
    task: ClassVar[str] = "language"
    needs: ClassVar[tuple[str, ...]] = ("context",)
    losses: ClassVar[tuple[str, ...]] = ("masked_token",)
    predicts_end: ClassVar[bool] = False
    width: Width = 256
    """Width of the context's vectors."""
    share: Annotated[float, Range(0, 1)] = 0.15
    """Share of a sentence's tokens that are masked in training; at least one is."""
    unknown: Unknown = 0.5
    """Probability, drawn again in each epoch, that a token which occurs once in train is read as unknown, so
    that the probability of the unknown token is learnt."""


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """A question that a classifier answers: a label of the samples."""

    name: str
    """The label's name; `gloss` is the whole reference of a clip."""
    weight: Annotated[float, Range(0)] = 1.0
    """Weight of the head's loss."""
    classes: Annotated[int, Range(0)] = 0
    """Number of classes, whose names are the numbers from 0 on; 0: the labels that occur in train."""
    hidden: Annotated[int, Range(0)] = 0
    """Width of a hidden layer; 0: none."""
    symbols: Literal["none", "hamnosys"] = "none"
    """Print the symbols of HamNoSys with predictions, of HearAI's heads with all their classes."""

    def __post_init__(self) -> None:
        if self.symbols == "none":
            return
        if self.name not in CLASSES:
            known = f"there is one for {', '.join(CLASSES)}"
            raise UserError("symbols", f"there is no table of symbols for {self.name!r}", known)
        if self.classes != len(CLASSES[self.name]):
            what = (
                f"there is a table for {len(CLASSES[self.name])} classes of {self.name}, not {self.classes}"
            )
            raise UserError("symbols", what, "leave it out where the codes are others")


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """Classes of whole clips: an encoder, pooling over its chunks, and one or many heads."""

    factory: ClassVar[str] = "signkit.models.classifier:build"
    task: ClassVar[str] = "classification"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    decoder: ClassVar[str] = "labels"
    heads: tuple[HeadConfig, ...] = (HeadConfig(name="gloss"),)
    pooling: Literal["mean", "max", "attention"] = "mean"
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on the pooled vector, and in hidden layers."""

    def __post_init__(self) -> None:
        names = [head.name for head in self.heads]
        if not names:
            raise UserError("heads", "has no head", "for example heads: [{name: gloss}]")
        if wrong := [name for name in names if not name.isidentifier()]:
            what = f"{wrong[0]!r} is no name of a head"
            raise UserError("heads", what, "letters, digits and _, as in hand_shape")
        if len(set(names)) < len(names):
            raise UserError("heads", f"two heads are called {max(names, key=names.count)!r}")
        if not any(head.weight for head in self.heads):
            raise UserError("heads", "no head has a weight")


@dataclass(frozen=True, kw_only=True)
class AutoencoderForestConfig:
    """A convolutional autoencoder, and a random forest or a logistic regression on its vectors."""

    factory: ClassVar[str] = "signkit.models.autoencoder:build"
    task: ClassVar[str] = "autoencoder"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    losses: ClassVar[tuple[str, ...]] = ("reconstruction",)
    decoder: ClassVar[str] = "labels"
    label: str = "gloss"
    """What is classified: a label of the samples; `gloss` is the whole reference of a clip."""
    channels: tuple[Annotated[int, Range(1)], ...] = (128, 64, 32, 16)
    """Width of each transposed convolution of the decoder, in order; each doubles the picture's sides."""
    size: Annotated[int, Range(8)] = 64
    """Height and width of the reconstructed pictures."""
    classifier: Literal["forest", "logistic"] = "forest"
    """What is fitted to the vectors of train after the training, by scikit-learn (the extra `classic`)."""
    trees: tuple[Annotated[int, Range(1)], ...] = (100, 300)
    """Of a forest; of several values the one that is best in cross-validation is taken, as of all below."""
    depths: tuple[Annotated[int, Range(0)], ...] = (0,)
    """Largest depth of a tree; 0: until its leaves are pure."""
    strengths: tuple[Annotated[float, Range(0)], ...] = (0.001, 0.01, 0.1, 1.0)
    """Of a logistic regression: the inverse of its regularisation (C of scikit-learn)."""
    iterations: Annotated[int, Range(1)] = 1000
    """Of a logistic regression, at most; not having converged by then is said."""
    folds: Annotated[int, Range(2, 20)] = 3
    """Of the cross-validation on train: by signers where there are as many, else at random."""

    def __post_init__(self) -> None:
        if not self.channels:
            raise UserError("channels", "a decoder needs at least one convolution")
        if self.size % 2 ** len(self.channels):
            what = f"{self.size} cannot be doubled up to, {len(self.channels)} times"
            raise UserError("size", what, f"take a multiple of {2 ** len(self.channels)}")
        for key in ("trees", "depths", "strengths"):
            if not getattr(self, key):
                raise UserError(key, "names no value")
        if 0.0 in self.strengths:
            raise UserError("strengths", "0 leaves nothing to be learnt")

    @property
    def heads(self) -> tuple[HeadConfig, ...]:
        """Its one question, as of a `ClassifierConfig`."""
        return (HeadConfig(name=self.label),)


@dataclass(frozen=True, kw_only=True)
class SegmentClassifyConfig:
    """A random forest that finds the segments of a clip, and a classifier of each (Brock et al. 2020)."""

    factory: ClassVar[str] = "signkit.models.segment_classify:build"
    task: ClassVar[str] = "segmentation"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    decoder: ClassVar[str] = "segments"
    pooling: Literal["mean", "max", "attention"] = "mean"
    """How the encoder's chunks of a segment become one vector."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on the pooled vector."""
    window: Annotated[int, Range(0)] = 6
    """Frames before and after a frame that the forest is shown with it."""
    onset: Annotated[int, Range(0)] = 2
    """Frames at the beginning of a sign that are a class of their own, so that signs without a transition
    between them are separated; 0: sign or transition, as published."""
    trees: Annotated[int, Range(1)] = 100
    leaf: Annotated[int, Range(1)] = 2
    """Frames of train at a leaf of a tree, at least."""
