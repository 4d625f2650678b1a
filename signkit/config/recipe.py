"""Recipes: every choice of a run, read strictly from YAML into frozen dataclasses."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, cast

from signkit.config.registry import ComponentConfig, component_name, config_class, offered
from signkit.config.strict_yaml import Asset, Group, NewPath, Path_, Range
from signkit.config.suggest import listed
from signkit.errors import UserError

PARTS = {"encoder": "encoders", "context": "contexts"}
"""Sections for the parts of a model, and the groups of their components."""
DECODER = "lattice"
"""The decoder if the section `decode` has no name."""
Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """The unit of the model's output: glosses, the characters of the reference, or subwords."""

    unit: Literal["gloss", "character", "subword"] = "gloss"
    pieces: Annotated[int, Range(2, 100_000)] = 1000
    """The largest number of subwords, learnt from the train references and the corpus's extra text."""
    algorithm: Literal["unigram", "bpe"] = "unigram"
    """How subwords are learnt: a unigram model, or byte pair encoding."""
    file: Annotated[str, Path_(optional=True)] = ""
    """A sentencepiece model whose pieces are used as subwords; empty: they are learnt."""
    sampling: Share = 0.0
    """Of subwords, in training: the share of the words that are cut into other pieces, drawn
    in each epoch by their probability (Kudo 2018); of byte pairs, a tenth of the merges is left out
    (Provilkov et al. 2020). For attention models."""

    def __post_init__(self) -> None:
        if self.file and self.unit != "subword":
            what = f"is a sentencepiece model, and text.unit is {self.unit}"
            raise UserError("text.file", what, "text.unit: subword takes it")
        if self.algorithm != "unigram" and (self.unit != "subword" or self.file):
            raise UserError("text.algorithm", "has no effect: no subwords are learnt", "leave it out")
        if self.sampling and self.unit != "subword":
            raise UserError("text.sampling", "there are pieces of subwords only", "text.unit: subword")


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """Written sources, such as glosses that are translated: how they are cut into tokens, and changed in
    training."""

    unit: Literal["gloss", "character", "subword", "shared"] = "gloss"
    """`shared`: the subwords of the text, which are learnt of the sources too then."""
    pieces: Annotated[int, Range(2, 100_000)] = 1000
    """Of `subword`: the largest number of them, learnt from the sources of train as `text.algorithm` says."""
    lowercase: bool = False
    """Read them in lower case, so that GLOSSES can share subwords with the text."""
    sampling: Share = 0.0
    """As `text.sampling`."""
    hide: Share = 0.0
    """Share of the words that are read as unknown in training."""
    errors: Share = 0.0
    """In training: errors of a recogniser by the number of glosses, made as in `recognised`."""
    recognised: tuple[Annotated[str, Path_()], ...] = ()
    """Two files of the same sentences, of train or dev: glosses, and what a recogniser made of them."""
    longest: Annotated[int, Range(1, 10_000)] = 500
    """Tokens of a source, at most; with `train.too_long: skip` longer ones of train are left out."""

    def __post_init__(self) -> None:
        if self.sampling and self.unit not in ("subword", "shared"):
            raise UserError("source.sampling", "there are pieces of subwords only", "source.unit: subword")
        if self.errors and len(self.recognised) != 2:
            hint = "source.recognised: [GLOSSES, RECOGNISED]"
            raise UserError("source.errors", "are learnt from two files of the same sentences", hint)
        if self.recognised and not self.errors:
            raise UserError("source.recognised", "has no effect without source.errors", "such as 0.2")


@dataclass(frozen=True, kw_only=True)
class LandmarksConfig:
    """Which points are used, and how the signer's position and size are normalised."""

    points: Literal["all", "signing", "hands", "fingerspelling", "hand_and_arm"] = "all"
    hand: Literal["both", "signing"] = "both"
    """`signing`: only the hand that signs, found by what is seen of it; where that is the left one, the clip
    is mirrored, so that it is always the right one."""
    origin: Literal["none", "frame", "clip", "past"] = "clip"
    """Subtract the layout's root point: that of each frame, its median over the clip, or its mean over the
    frames so far."""
    scale: Literal["none", "clip", "past", "frame", "part"] = "clip"
    """`clip`: divide by the layout's reference length (shoulders), its median over the clip; `past`: its mean
    over the frames so far. `frame`: the points of each frame get the mean 0 and the deviation 1; `part`:
    those of each part of each frame."""


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """The size of video frames."""

    resize: Annotated[int, Range(8, 2048)] = 256
    """Height and width that frames are resized to."""
    crop: Annotated[int, Range(8, 2048)] = 224
    """Height and width that a model sees: the middle, or a random square for each clip and epoch."""
    fit: Literal["stretch", "pad", "short"] = "stretch"
    """Frames that are no squares: stretched; whole, on a black square; or their shorter side is resized, and
    the crop leaves out the ends of the longer one."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    """How they are resized."""
    motion: Literal["none", "farneback", "difference"] = "none"
    """How much moves at each place, for `mict_ranet`: by optical flow with OpenCV, which comes with the extra
    `landmarks`, or by the difference to the frame before."""

    def __post_init__(self) -> None:
        if self.crop > self.resize:
            raise UserError("crop", f"{self.crop} is larger than the frames, resized to {self.resize}")


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """A fixed number of frames of each clip, for models that need one."""

    frames: Annotated[int, Range(0)] = 0
    """Frames used of every clip, in their order; a shorter one has some twice. 0: all."""
    how: Literal["segments", "spaced", "random", "timed"] = "segments"
    """Which: one of each of so many equal parts of the clip, or any; both drawn for each epoch in training,
    and equally spaced otherwise. Or `spaced`: always so. Or `timed`: one every `seconds` from the beginning,
    at most `frames`."""
    seconds: Annotated[float, Range(0)] = 0.0
    """Of `timed`: from one frame that is used to the next."""

    def __post_init__(self) -> None:
        hint = "`{how: timed, seconds: 0.1}` takes ten frames a second"
        if self.how == "timed" and not self.seconds:
            raise UserError("how", "`timed` needs a number of seconds", hint)
        if self.how != "timed" and self.seconds:
            raise UserError("seconds", f"is not for `{self.how}`", hint)


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Random augmentation of training clips, drawn for each sample and epoch. Lengths are in the landmarks'
    normalised units, angles in radians; 0 turns an augmentation off."""

    rate: Annotated[float, Range(0, 2)] = 0.0
    """Standard deviation of the log of the playing speed."""
    rescale: Annotated[float, Range(0, 0.9)] = 0.0
    """Largest share by which a clip gets longer or shorter, uniformly distributed."""
    resample: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a clip gets longer or shorter by a factor, uniform between the next two."""
    resample_from: Annotated[float, Range(0.05, 20)] = 0.3
    resample_to: Annotated[float, Range(0.05, 20)] = 2.0
    warp: Annotated[float, Range(0, 2)] = 0.0
    """Standard deviation of the log of the local speed, smooth in time."""
    scale: Annotated[float, Range(0, 1)] = 0.0
    """Standard deviation of the log of the size, separately for each axis."""
    rotate: Annotated[float, Range(0, 3.2)] = 0.0
    """Standard deviation of the rotation in the image plane."""
    shear: Annotated[float, Range(0, 1)] = 0.0
    """Largest shear, uniformly distributed: of x by y, or of y by x."""
    shift: Annotated[float, Range(0)] = 0.0
    """Standard deviation of a shift of the whole clip."""
    part_shift: Annotated[float, Range(0)] = 0.0
    """Standard deviation of a shift of each part (a hand) over the whole clip."""
    drift: Annotated[float, Range(0)] = 0.0
    """Standard deviation of a shift of each part that changes smoothly in time."""
    noise: Annotated[float, Range(0)] = 0.0
    """Standard deviation of independent noise on every coordinate."""
    mirror: Annotated[float, Range(0, 1)] = 0.0
    """Probability of mirroring left and right."""
    freeze: Annotated[float, Range(0, 1)] = 0.0
    """Probability of a span in which all frames are replaced by the frame before it."""
    drop_frames: Annotated[float, Range(0, 1)] = 0.0
    """Share of frames in which all points are marked as not seen."""
    drop_parts: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a part is marked as not seen for a span of the clip."""
    hide_parts: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a part other than a hand is marked as not seen in the whole clip."""
    drop_fingers: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a fifth to three fifths of the fingers are marked as not seen in each of two windows
    of a quarter to a half of the clip."""
    drop_spans: Annotated[float, Range(0, 1)] = 0.0
    """Probability that all points are marked as not seen in one, two or four spans, together a fifth to two
    fifths of the clip."""
    drop_places: Annotated[float, Range(0, 1)] = 0.0
    """Probability that points are marked as not seen within a rectangle, each side 5 to 10 % of what the clip
    covers."""
    crop: bool = False
    """Of video: use a random square of `video.crop` in place of the middle."""
    colour: Annotated[float, Range(0, 0.9)] = 0.0
    """Of video: largest share by which brightness, contrast and saturation change."""

    def __post_init__(self) -> None:
        if self.resample_from > self.resample_to:
            what = f"{self.resample_from} is more than resample_to, {self.resample_to}"
            raise UserError("resample_from", what)

    @property
    def retimes(self) -> bool:
        """Whether clips get other frames than their own."""
        return bool(self.rate or self.rescale or self.resample or self.warp)


@dataclass(frozen=True, kw_only=True)
class DecodeConfig:
    """The options of every decoder, in addition to its own."""

    factory: ClassVar[str] = ""
    splits: tuple[Literal["train", "dev", "test"], ...] = ("dev", "test")
    batch_size: Annotated[int, Range(1)] = 32
    frames_per_batch: Annotated[int, Range(0)] = 1600
    """Of video: frames of a batch at most, its padding among them, of dev during training too; 0: any number.
    A clip that is longer is a batch of its own."""
    average: Annotated[int, Range(1)] = 1
    """Number of newest checkpoints whose weights are averaged, at most `train.keep`; 1: the selected one."""
    ensemble: tuple[Annotated[str, Path_()], ...] = ()
    """Folders of other runs with the same vocabulary, which are averaged with this one."""
    temperature: Annotated[float, Range(0, 1000)] = 0.0
    """Temperature of the confidences; 0: the one that fits dev best, or 1 without a dev split."""
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    """As `train.precision`; auto: what the training computed in, but float32 on a CPU unless the recipe names
    another."""


def default_decoder() -> DecodeConfig:
    """The options of a recipe without a section `decode`."""
    return cast(DecodeConfig, config_class("decoders", DECODER)())


@dataclass(frozen=True, kw_only=True)
class InitFrom:
    """A finished run whose weights to start from; weights that it lacks stay as initialised."""

    shorthand: ClassVar[str] = "run"
    run: Annotated[str, Path_(optional=True)] = ""
    parts: tuple[str, ...] = ()
    """Parts of the model to copy, such as `encoder` or `heads.slow`; empty: all that both models have."""


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parts of the model with a learning rate of their own."""

    parts: tuple[str, ...]
    """Prefixes of the parts' names: `encoder`, `encoder.temporal`, `heads.slow`."""
    lr_scale: Annotated[float, Range(0)] = 1.0
    """Their learning rate as a factor of `train.lr`."""
    freeze: bool = False
    """Do not train them."""
    until: Annotated[float, Range(0, 1)] = 1.0
    """Of `freeze`: the share of the training after which they are trained all the same; 1: never."""

    def __post_init__(self) -> None:
        if not self.parts:
            raise UserError("parts", "names no part of the model", "such as [encoder]")
        if self.until < 1 and not self.freeze:
            raise UserError("until", "says how long parts are frozen", "it needs `freeze: true`")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The training loop."""

    losses: tuple[Annotated[ComponentConfig, Group("losses")], ...]
    """The terms of the loss, each with its weight and the part of the training in which it counts."""
    seed: Annotated[int, Range(0, 2**31)] = 1
    max_steps: Annotated[int, Range(1)] = 1000
    """Updates of the weights."""
    batch_size: Annotated[int, Range(1)] = 16
    """Samples per step, over all processes and accumulated parts."""
    accumulate: Annotated[int, Range(1)] = 1
    """Number of parts that a batch is computed in, to save memory."""
    optimizer: Literal["adamw", "sgd", "rmsprop"] = "adamw"
    lr: Annotated[float, Range(0)] = 1e-3
    encoder_lr_scale: Annotated[float, Range(0)] = 1.0
    """The encoder's learning rate as a factor of `lr`."""
    weight_decay: Annotated[float, Range(0)] = 1e-2
    momentum: Annotated[float, Range(0, 1)] = 0.9
    """Momentum of SGD."""
    schedule: Literal["constant", "cosine", "step"] = "cosine"
    warmup_steps: Annotated[int, Range(0)] = 0
    milestones: tuple[Annotated[float, Range(0, 1)], ...] = (0.5, 0.75)
    """Shares of the training after which a step schedule multiplies the learning rate by `gamma`."""
    gamma: Annotated[float, Range(0, 1)] = 0.1
    clip: Annotated[float, Range(0)] = 5.0
    """Largest norm of the gradient; 0: no clipping."""
    ema: Annotated[float, Range(0, 1)] = 0.0
    """Decay of a moving average of the weights, which is evaluated and exported; 0: no average."""
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    """Of the encoder, the context and the attention decoder; auto: bf16 on a GPU that supports it, otherwise
    float32. fp16 is for a GPU without bf16; gradients are scaled then."""
    tf32: bool = False
    """Whether a GPU may round the factors of their float32 products and convolutions to 10 bits, and those of
    all gradients but the losses' own."""
    eval_every: Annotated[int, Range(0)] = 200
    """Steps between evaluations on dev; 0: at the end only."""
    save_every: Annotated[int, Range(0)] = 200
    """Steps between checkpoints; 0: at the end only."""
    keep: Annotated[int, Range(1)] = 2
    """Number of newest checkpoints to retain, in addition to the best."""
    patience: Annotated[int, Range(0)] = 0
    """Stop after this many evaluations without a better score; 0: never."""
    select: Literal["best", "last"] = "best"
    """Which weights are decoded and exported: the best on dev, or those of the last step."""
    too_long: Literal["refuse", "skip"] = "refuse"
    """What to do with training samples whose references do not fit their chunks."""
    workers: Annotated[int, Range(0, 256)] = 0
    """Processes that load data, of dev and test too; 0: load in the training process."""
    balance: Literal["none", "oversample", "undersample", "class_weights"] = "none"
    """Training on classes of unequal size: see or weigh each alike. A sample's class is its rarest token."""
    groups: tuple[ParameterGroup, ...] = ()
    """Parts of the model with a learning rate of their own; the first group that names a part applies."""
    init_from: InitFrom = InitFrom()
    """A run whose weights to start from: a folder, or `{run: FOLDER, parts: [encoder]}`."""


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How dev and test are scored."""

    protocol: Annotated[str, Asset("eval")] = "plain"
    """A protocol of `eval/`, by name or path."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Where runs are stored."""

    dir: Annotated[str, NewPath()] = "runs"
    profile: Annotated[int, Range(0, 1000)] = 0
    """Steps of the training, after the first four, of which a trace is written and the parts are timed."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe. `name` is the file's, without its suffix."""

    name: str
    data: Annotated[ComponentConfig, Group("corpora")]
    encoder: Annotated[ComponentConfig, Group("encoders")] | None = None
    context: Annotated[ComponentConfig, Group("contexts")] | None = None
    model: Annotated[ComponentConfig, Group("models")]
    train: TrainConfig
    text: TextConfig = TextConfig()
    source: SourceConfig = SourceConfig()
    landmarks: LandmarksConfig = LandmarksConfig()
    video: VideoConfig = VideoConfig()
    sampling: SamplingConfig = SamplingConfig()
    augment: AugmentConfig = AugmentConfig()
    decode: Annotated[DecodeConfig, Group("decoders", default=DECODER, own=("model", "decoder"))] = field(
        default_factory=default_decoder
    )
    eval: EvalConfig = EvalConfig()
    run: RunConfig = RunConfig()

    def __post_init__(self) -> None:
        if not self.train.losses:
            raise UserError("train.losses", "has no term", "for example losses: [{name: cst}]")
        self._check_parts()
        self._check_losses()
        self._check_decoder()
        if hasattr(self.model, "check_recipe"):  # what a model's options allow in other sections
            self.model.check_recipe(
                [component_name("losses", term) for term in self.train.losses], self.decode
            )

    @property
    def task(self) -> str:
        """The name of the model's task."""
        return str(self.model.task)  # type: ignore[attr-defined] # checked by `_check_parts`

    @property
    def dev_in_train(self) -> bool:
        """Whether the corpus option `dev_in_train` puts dev into train, so that nothing may be chosen on
        dev."""
        return bool(getattr(self.data, "dev_in_train", False))

    def part(self, name: str) -> ComponentConfig | None:
        """The options of `encoder` or `context`; None if there is none, or only a placeholder."""
        config: ComponentConfig | None = getattr(self, name)
        return None if getattr(config, "placeholder", False) else config

    def _check_parts(self) -> None:
        model = component_name("models", self.model)
        if not isinstance(getattr(self.model, "task", None), str):
            raise UserError("model", f"the options of `{model}` name no task", "its package is at fault")
        needs: tuple[str, ...] = getattr(self.model, "needs", ())
        takes = (*needs, *getattr(self.model, "takes", ()))
        for name, group in PARTS.items():
            if name in needs and self.part(name) is None:
                known = f"`{name}: {{name: …}}` with one of {listed(offered(group))}"
                raise UserError("", f"missing key `{name}`", known)
            if name not in takes and self.part(name) is not None:
                raise UserError(name, f"`{model}` has none", "leave it out")

    def _check_losses(self) -> None:
        """Refuse losses of another task, and those that do not train this model."""
        model = component_name("models", self.model)
        losses: tuple[str, ...] = getattr(self.model, "losses", ())
        for number, term in enumerate(self.train.losses):
            name = component_name("losses", term)
            # A model that names its losses may take some of another task's.
            of_task = getattr(term, "task", None) in (None, self.task)
            if name not in losses if losses else not of_task:
                hint = (
                    f"take `losses: [{{name: {losses[0]}}}]`" if losses else "it is of another kind of model"
                )
                raise UserError(f"train.losses.{number}", f"`{name}` is no loss of `{model}`", hint)

    def _check_decoder(self) -> None:
        """Use the model's own decoder if none is named, and refuse any other."""
        wanted = str(getattr(self.model, "decoder", DECODER))
        if wanted == component_name("decoders", self.decode):
            return
        if self.decode != default_decoder():
            model, hint = component_name("models", self.model), f"take `decode: {{name: {wanted}, …}}`"
            raise UserError("decode", f"is no decoder of `{model}`", hint)
        object.__setattr__(self, "decode", config_class("decoders", wanted)())
