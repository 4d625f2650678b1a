"""The recipe: every choice of a run, read strictly from YAML into frozen records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from signkit.config.registry import ComponentConfig
from signkit.config.strict_yaml import Asset, Group, Path_, Range
from signkit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """What the model writes: glosses, the characters of the reference, or sub-words."""

    unit: Literal["gloss", "character", "subword"] = "gloss"
    pieces: Annotated[int, Range(2, 100_000)] = 1000
    """Sub-words learnt from the train references and the corpus's extra text, at most."""
    file: Annotated[str, Path_(optional=True)] = ""
    """A sentencepiece model whose pieces are the sub-words; empty: they are learnt."""

    def __post_init__(self) -> None:
        if self.file and self.unit != "subword":
            what = f"is a sentencepiece model, and text.unit is {self.unit}"
            raise UserError("text.file", what, "text.unit: subword takes it")


@dataclass(frozen=True, kw_only=True)
class LandmarksConfig:
    """Which points are used and how a signer's place and size are taken out."""

    points: Literal["all", "signing", "hands"] = "all"
    origin: Literal["none", "frame", "clip"] = "clip"
    """Subtract the layout's root point: of each frame, or its median over the clip."""
    scale: Literal["none", "clip"] = "clip"
    """Divide by the layout's reference length (shoulders), its median over the clip."""


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """How frames of video are brought to one size."""

    resize: Annotated[int, Range(8, 2048)] = 256
    """Height and width that frames are resized to, whatever their shape."""
    crop: Annotated[int, Range(8, 2048)] = 224
    """Height and width that a model sees: the middle, or a square drawn anew for a clip and an epoch."""

    def __post_init__(self) -> None:
        if self.crop > self.resize:
            raise UserError("crop", f"{self.crop} is larger than the frames, resized to {self.resize}")


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Changes made to training clips, each drawn anew for a sample and an epoch. Lengths are in the
    landmarks' normalised units, angles in radians; 0 turns one off."""

    rate: Annotated[float, Range(0, 2)] = 0.0
    """Standard deviation of the log of the playing speed."""
    rescale: Annotated[float, Range(0, 0.9)] = 0.0
    """Largest share by which a clip gets longer or shorter, each length as likely."""
    warp: Annotated[float, Range(0, 2)] = 0.0
    """Standard deviation of the log of the local speed, smooth in time."""
    scale: Annotated[float, Range(0, 1)] = 0.0
    """Standard deviation of the log of the size, each axis on its own."""
    rotate: Annotated[float, Range(0, 3.2)] = 0.0
    """Standard deviation of the rotation in the picture's plane."""
    shift: Annotated[float, Range(0)] = 0.0
    """Standard deviation of the place of the whole clip."""
    part_shift: Annotated[float, Range(0)] = 0.0
    """Standard deviation of the place of each part (a hand) over the whole clip."""
    drift: Annotated[float, Range(0)] = 0.0
    """Standard deviation of a smooth wandering of each part in time."""
    noise: Annotated[float, Range(0)] = 0.0
    """Standard deviation of independent noise on every coordinate."""
    mirror: Annotated[float, Range(0, 1)] = 0.0
    """Probability to mirror left and right."""
    freeze: Annotated[float, Range(0, 1)] = 0.0
    """Probability of a span of frames that stands still."""
    drop_frames: Annotated[float, Range(0, 1)] = 0.0
    """Share of frames in which nothing is seen."""
    drop_parts: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a part is unseen for a span of the clip."""
    crop: bool = False
    """Of video: draw the square of `video.crop` anew, in place of the middle."""
    colour: Annotated[float, Range(0, 0.9)] = 0.0
    """Of video: largest share by which brightness, contrast and saturation change."""


@dataclass(frozen=True, kw_only=True)
class DecodeConfig:
    """How hypotheses are searched."""

    beam: Annotated[int, Range(1, 4096)] = 8
    """Hypotheses kept a chunk; 1 is greedy."""
    nbest: Annotated[int, Range(1, 4096)] = 1
    """Hypotheses written a sample, at most `beam`."""
    top_k: Annotated[int, Range(1)] = 32
    """Glosses of a chunk that can be new in it, the best after their best history; from three times the
    beam on nothing is lost."""
    level: Literal["video", "chunk", "sum"] = "video"
    """Which features are decoded; sum adds the logits of both, and the context's once."""
    length_reward: float = 0.0
    """Added to the log score for each token; beam search only."""
    context_scale: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the context's logits."""
    acoustic_scale: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the encoder's logits."""
    beam_threshold: Annotated[float, Range(0)] = 0.0
    """Histories whose log score is so much below the best one's are dropped; 0 keeps all."""
    fusion: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """Language models and constraints that take part in beam search, each with its weight."""
    rescore: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """The same for the n-best list when the search is done; its order changes."""
    average: Annotated[int, Range(1)] = 1
    """Newest checkpoints whose weights are averaged, as far as `train.keep` kept them; 1: the chosen one."""
    ensemble: tuple[Annotated[str, Path_()], ...] = ()
    """Folders of further runs with the same vocabulary, which are averaged with this one."""
    ensemble_mean: Literal["logits", "probabilities"] = "logits"
    """What is averaged: logits, or each chunk's probabilities, which models with a context do not have."""
    temperature: Annotated[float, Range(0, 1000)] = 0.0
    """Of the confidences; 0: the one that fits dev best, or 1 where there is no dev."""
    batch_size: Annotated[int, Range(1)] = 32
    splits: tuple[Literal["train", "dev", "test"], ...] = ("dev", "test")

    def __post_init__(self) -> None:
        beside: tuple[Any, ...] = (*self.fusion, *self.rescore)
        check_beam("beam", self.beam, [part for part in beside if getattr(part, "weight", 1) != 0])


def check_beam(where: str, beam: int, beside: Sequence[Any]) -> None:
    """Refuse language models, options or scorers of them, beside greedy search.

    Raises:
        UserError: the beam is 1.
    """
    if beam == 1 and beside:
        what = "is 1, greedy search, which has no place for decode.fusion and decode.rescore"
        raise UserError(where, what, "a wider beam, such as 8, or nothing beside")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The training loop."""

    losses: tuple[Annotated[ComponentConfig, Group("losses")], ...]
    """The terms of the loss, each with its weight and its share of the run."""
    seed: Annotated[int, Range(0, 2**31)] = 1
    max_steps: Annotated[int, Range(1)] = 1000
    """Updates of the weights."""
    batch_size: Annotated[int, Range(1)] = 16
    """Samples a step, of all processes and accumulations together."""
    accumulate: Annotated[int, Range(1)] = 1
    """Parts a batch is computed in, to save memory."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Annotated[float, Range(0)] = 1e-3
    encoder_lr_scale: Annotated[float, Range(0)] = 1.0
    """The encoder's learning rate as a factor of `lr`."""
    weight_decay: Annotated[float, Range(0)] = 1e-2
    momentum: Annotated[float, Range(0, 1)] = 0.9
    """Of SGD."""
    schedule: Literal["constant", "cosine", "step"] = "cosine"
    warmup_steps: Annotated[int, Range(0)] = 0
    milestones: tuple[Annotated[float, Range(0, 1)], ...] = (0.5, 0.75)
    """Shares of the run after which a step schedule multiplies the rate by `gamma`."""
    gamma: Annotated[float, Range(0, 1)] = 0.1
    clip: Annotated[float, Range(0)] = 5.0
    """Largest norm of the gradient; 0 does not clip."""
    ema: Annotated[float, Range(0, 1)] = 0.0
    """Decay of the averaged weights that are evaluated and kept; 0 keeps none."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """auto: bf16 on a GPU that has it, else float32."""
    eval_every: Annotated[int, Range(0)] = 200
    """Steps between evaluations on dev; 0: at the end only."""
    save_every: Annotated[int, Range(0)] = 200
    """Steps between checkpoints; 0: at the end only."""
    keep: Annotated[int, Range(1)] = 2
    """Newest checkpoints kept, beside the best."""
    patience: Annotated[int, Range(0)] = 0
    """Stop after so many evaluations without a better score; 0 never."""
    select: Literal["best", "last"] = "best"
    """Which weights are decoded and exported: the best on dev, or those of the last step."""
    too_long: Literal["refuse", "skip"] = "refuse"
    """A training reference that does not fit its chunks."""
    workers: Annotated[int, Range(0, 256)] = 0
    """Processes that load data; 0 loads in the training process."""
    init_from: Annotated[str, Path_(optional=True)] = ""
    """A run folder whose weights to begin with; what it lacks is left as initialised."""


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How dev and test are scored."""

    protocol: Annotated[str, Asset("eval")] = "plain"
    """A protocol of `eval/`, by name or path."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Where runs are kept: each in its own folder below."""

    dir: str = "runs"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole recipe. `name` is the file's, without its ending."""

    name: str
    data: Annotated[ComponentConfig, Group("corpora")]
    encoder: Annotated[ComponentConfig, Group("encoders")]
    context: Annotated[ComponentConfig, Group("contexts")]
    model: Annotated[ComponentConfig, Group("models")]
    train: TrainConfig
    text: TextConfig = TextConfig()
    landmarks: LandmarksConfig = LandmarksConfig()
    video: VideoConfig = VideoConfig()
    augment: AugmentConfig = AugmentConfig()
    decode: DecodeConfig = DecodeConfig()
    eval: EvalConfig = EvalConfig()
    run: RunConfig = RunConfig()

    def __post_init__(self) -> None:
        if not self.train.losses:
            raise UserError("train", "its losses have no term", "for example losses: [{name: cst}]")
