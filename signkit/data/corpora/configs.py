"""Options of the built-in corpora."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import NewPath, Path_, Range
from signkit.data.corpora.folds import FoldsConfig
from signkit.errors import UserError

MANIFEST_COLUMNS = ("id", "path", "gloss", "split", "text", "signer", "fps", "start", "end")
"""Columns of a manifest that are no labels."""
ZOOM = 0.6581
"""The first zoom of Shi et al. 2019."""


def is_run(boxes: str) -> bool:
    """Whether boxes are those of a run: its folder, or where that was."""
    return bool(boxes) and PurePath(boxes).suffix.lower() not in (".json", ".csv")


@dataclass(frozen=True, kw_only=True)
class SyntheticConfig:
    """A synthetic corpus: an avatar signs sentences of a small grammar, or single signs."""

    factory: ClassVar[str] = "signkit.data.synthetic.corpus:read"
    seed: Annotated[int, Range(0, 2**31)] = 1
    train: Annotated[int, Range(1)] = 400
    dev: Annotated[int, Range(1)] = 60
    test: Annotated[int, Range(1)] = 60
    isolated: bool = False
    """Single signs in place of sentences, labelled with what their form consists of: hand shape,
    orientation, location, movement, symmetry, marker."""
    extra_sentences: Annotated[int, Range(0)] = 2000
    """Gloss sentences without a video, for the language side; none of single signs."""
    signs: Annotated[int, Range(12, 2000)] = 40
    """Glosses of the lexicon; the two of a pair of homonyms count as two."""
    homonyms: Annotated[float, Range(0, 1)] = 0.2
    """Share of the glosses that look exactly like another one; only the sentence tells them apart."""
    signers: Annotated[int, Range(1, 200)] = 5
    unseen_signers: bool = False
    """Dev and test have signers of their own, a quarter as many as train each, at least one."""
    reference: Literal["gloss", "text"] = "gloss"
    """What a model is to write: the glosses, or the spoken sentence."""
    noise: Annotated[float, Range(0, 1)] = 0.02
    """Standard deviation of the tracking jitter, in shoulder widths."""
    gaps: Annotated[float, Range(0, 1)] = 0.05
    """Share of frames in which a hand is lost."""


@dataclass(frozen=True, kw_only=True)
class SyntheticHandsConfig:
    """Synthetic hands that form the letters of the ASL alphabet, as MediaPipe's points; and real ones."""

    factory: ClassVar[str] = "signkit.data.synthetic.hand_corpus:read"
    seed: Annotated[int, Range(0, 2**31)] = 1
    train: Annotated[int, Range(0)] = 200
    """Clips of each letter; `dev` and `test` likewise."""
    dev: Annotated[int, Range(0)] = 20
    test: Annotated[int, Range(0)] = 20
    people: Annotated[int, Range(1, 10_000)] = 200
    """People in train; dev and test have a quarter as many each, others."""
    frames: Annotated[int, Range(1, 1000)] = 16
    """The longest clip; half of all have one frame."""
    variation: Annotated[float, Range(0, 3)] = 1.2
    """How much hands and postures vary; 0: the postures of the table with a mean hand."""
    noise: Annotated[float, Range(0, 1)] = 0.04
    """Standard deviation of the tracker's lasting error, in lengths of the palm."""
    stretch: Annotated[float, Range(0, 2)] = 0.6
    """In half of the clips, y is up to so much longer or shorter, as if it were not in the unit of x."""
    real: Annotated[str, Path_(optional=True)] = ""
    """An npz file of real hands, `xyz` [hands, 21, 3] and `label`, which join train or are dev."""
    real_split: Literal["train", "dev"] = "train"
    real_views: Annotated[int, Range(1)] = 1
    """In train, so many clips of each real hand, by other cameras and with other bones, by `variation`."""
    real_every: Annotated[int, Range(1)] = 1
    """Take every so manieth of the real hands; neighbours are often frames of one film."""
    aspect: Annotated[float, Range(0.1, 10)] = 1.0
    """Multiply y of the real hands by this: 0.5625 if x and y are shares of a 16:9 picture."""


@dataclass(frozen=True, kw_only=True)
class ComposedConfig:
    """Words spelled from single letters, with transitions: by a synthetic hand, or from recordings."""

    factory: ClassVar[str] = "signkit.data.composed.corpus:read"
    seed: Annotated[int, Range(0, 2**31)] = 1
    train: Annotated[int, Range(1)] = 4000
    """Clips; `dev` and `test` likewise."""
    dev: Annotated[int, Range(0)] = 200
    test: Annotated[int, Range(0)] = 200
    words: Annotated[str, Path_(optional=True)] = ""
    """A text file of words and phrases to spell, one a line; empty: pronounceable words that are made up."""
    shortest: Annotated[int, Range(1, 40)] = 3
    """Letters of a word that is made up."""
    longest: Annotated[int, Range(1, 40)] = 8
    phrases: Annotated[float, Range(0, 1)] = 0.2
    """Share of phrases of two or three such words."""
    fps: Annotated[float, Range(5, 240)] = 25.0
    rate: Annotated[float, Range(0.5, 12)] = 4.0
    """Letters a second of a usual signer."""
    people: Annotated[int, Range(1, 10_000)] = 200
    """Synthetic people in train; dev and test have a quarter as many each, others."""
    variation: Annotated[float, Range(0, 3)] = 1.0
    """How much hands and postures vary; of recordings: cameras and bones, in train."""
    noise: Annotated[float, Range(0, 1)] = 0.04
    """Standard deviation of the tracker's lasting error, in lengths of the palm."""
    stretch: Annotated[float, Range(0, 2)] = 0.3
    """In half of the clips, y is up to so much longer or shorter, as if it were not in the unit of x."""
    video: Annotated[int, Range(0, 1024)] = 0
    """Height and width of frames that show the synthetic hand; 0: its key points."""
    palm: Annotated[float, Range(0.1, 0.6)] = 0.275
    """Of frames: the palm in widths of the picture, up to 9 % more or less; 0.4 is a crop of the hand."""
    root: Annotated[str, Path_(optional=True)] = ""
    """A folder of recordings, with index.csv and landmarks.npz, from which words are spelled instead."""
    test_recorder: str = ""
    """Whose recordings spell test; empty: the last one by name. Only in test."""
    dev_recorder: str = ""
    """Whose recordings spell dev; empty: the one after test's by name. Only in dev."""
    synthetic: Annotated[float, Range(0, 1)] = 0.5
    """With recordings: the share of train that the synthetic hand spells."""

    def __post_init__(self) -> None:
        if self.shortest > self.longest:
            raise UserError("shortest", f"{self.shortest} is more than longest, {self.longest}")
        made_up = ("shortest", "longest", "phrases")
        changed = [name for name in made_up if getattr(self, name) != getattr(ComposedConfig, name)]
        if self.words and changed:
            what = "is of words that are made up, and those of a file are spelled"
            raise UserError(changed[0], what, "leave out it, or words")
        if self.video and self.root:
            raise UserError(
                "video", "shows the synthetic hand, and recordings have no pictures", "leave out root"
            )
        if not self.root and (self.test_recorder or self.dev_recorder):
            raise UserError("test_recorder", "there are recorders in recordings only", "set root")


@dataclass(frozen=True, kw_only=True)
class Boston104Config:
    """RWTH-BOSTON-104: 201 continuous ASL sentences as tracks of both hands and the nose."""

    factory: ClassVar[str] = "signkit.data.corpora.boston104:read"
    root: Annotated[str, Path_(optional=True)] = ""
    """The folder of the four CSV files; empty: the cache that `signkit data fetch boston104` fills."""
    dev: Literal["seen", "strict"] = "seen"
    """Dev sentences taken from train: 65 % of them in the rest of train too, as of test, or none."""
    folds: Annotated[int, Range(2, 20)] = 5
    fold: Annotated[int, Range(0, 19)] = 0
    """Which fold of train is dev."""
    fold_seed: Annotated[int, Range(0)] = 1
    dev_in_train: bool = False
    """Train on copies of dev too, for a final model when all is chosen; dev figures then mean nothing."""

    def __post_init__(self) -> None:
        if self.fold >= self.folds:
            raise UserError("fold", f"{self.fold} is not one of the {self.folds} folds, which begin with 0")


@dataclass(frozen=True, kw_only=True)
class ManifestConfig:
    """A user's own data: a CSV or JSONL of clips and glosses, with video, landmarks or features."""

    factory: ClassVar[str] = "signkit.data.corpora.manifest:read"
    inventory: ClassVar[str] = "signkit.data.corpora.manifest:take_stock"
    root: Annotated[str, Path_()]
    """The manifest's folder; paths in the manifest are below it."""
    file: Annotated[str, NewPath()] = "manifest.csv"
    """Its name: a table with a header (.csv, .tsv), or .jsonl or .json."""
    extra_text: Annotated[str, NewPath()] = ""
    """A file below the folder with more gloss sentences, one a line; those of dev and test are left out."""
    fps: Annotated[float, Range(0, 1000)] = 0.0
    """Frames a second of clips that do not say, where no column `fps` does; 0: 25."""
    signer_independent: bool = False
    """Claim that no signer is in two splits; a signer who is, is an error."""
    damaged: Literal["refuse", "skip"] = "refuse"
    """A clip of train whose file cannot be used: stop, or leave it out, counted and named."""
    reference: Literal["gloss", "text"] = "gloss"
    """The column of what was signed: glosses, or the words of a text, as for fingerspelling."""
    labels: tuple[str, ...] = ()
    """Columns of labels of the whole clip, for the heads of a classifier; an empty cell is not known."""
    unseen: Literal["use", "skip", "refuse"] = "use"
    """A clip whose landmarks show no hand: use it as it is, leave it out of train, or stop."""
    shared_clips: Literal["report", "allow"] = "report"
    """A clip in two splits: named by runs, a fault for `signkit data check`; or meant."""
    near_duplicates: Literal["report", "refuse", "allow"] = "report"
    """A clip of dev or test that is nearly one of another split with the same gloss, such as the next frame
    of one film: named by runs and by `signkit data check`; an error; or meant."""
    boxes: Annotated[str, Path_(optional=True)] = ""
    """Of video, a csv with a box of each clip by its id, to which frames are cropped, or a run that says by
    its attention where the hand is; empty: whole frames."""
    zoom: Annotated[float, Range(0.05, 1)] = ZOOM
    """Where `boxes` is a run: the side of the box, as a share of the side of what that run was shown."""
    missing: Literal["nan", "zero", "one_place"] = "nan"
    """How landmarks that were not seen are marked, in addition to NaN and a confidence of 0: by zeros; or by
    all points of a part at one place, such as -1, or zeros that were moved by a normalisation."""

    def __post_init__(self) -> None:
        for name in self.labels:
            if not name.isidentifier():
                what = f"{name!r} is no name of a label"
                raise UserError("labels", what, "letters, digits and _, as in hand_shape: rename the column")
            if name.casefold() in MANIFEST_COLUMNS:
                hint = "a head `gloss` needs no column of its own" if name.casefold() == "gloss" else ""
                raise UserError("labels", f"{name!r} is a column with a meaning of its own", hint)
        if len({name.casefold() for name in self.labels}) < len(self.labels):
            raise UserError("labels", "names a column twice")


@dataclass(frozen=True, kw_only=True)
class ImagesConfig(FoldsConfig):
    """Single images with a label each: folders named after the labels, or a table."""

    factory: ClassVar[str] = "signkit.data.corpora.images:read"
    inventory: ClassVar[str] = "signkit.data.corpora.images:take_stock"
    stills: ClassVar[bool] = True
    """Its clips are image files, so that `signkit predict` takes each file as one."""
    root: Annotated[str, Path_()]
    """The folder of images: LABEL/*, SIGNER/LABEL/*, either of them in train, validation and test, or files
    whose names tell, as those of Massey's set and of Kaggle's ASL alphabet do."""
    file: Annotated[str, NewPath()] = ""
    """A table below it with the columns `path` and `label`, and if wanted `signer` and `split`."""
    images: Annotated[str, NewPath()] = ""
    """The folder below the root that paths of the table are relative to."""
    folders: Literal["auto", "label", "signer/label", "label/signer"] = "auto"
    """What folders are named after; `auto`: of two levels, signers and then labels."""
    pattern: str = "*"
    """The names of the files that are used, such as `color_*`."""
    keep: tuple[str, ...] = ()
    """The labels that are used; empty: all."""
    leave_out: tuple[str, ...] = ()
    """Labels that are not used, such as nothing, space and del."""
    damaged: Literal["refuse", "skip"] = "refuse"
    """An image that cannot be used, the only one of a label, or one of dev or test whose label train does not
    have: stop, or leave it out, counted and named."""


@dataclass(frozen=True, kw_only=True)
class Phoenix2014Config:
    """RWTH-PHOENIX-Weather 2014, the official folder: frames of German weather forecasts and glosses."""

    factory: ClassVar[str] = "signkit.data.corpora.phoenix2014:read"
    inventory: ClassVar[str] = "signkit.data.corpora.phoenix2014:take_stock"
    root: Annotated[str, Path_()]
    """The unpacked release, or the part's folder in it."""
    part: Literal["multisigner", "si5"] = "multisigner"
    """All signers in all splits, or signer 5 in dev and test alone."""
    frames: Annotated[str, NewPath()] = "fullFrame-210x260px"
    """The folder of frames below `features`."""
    landmarks: Annotated[str, Path_(optional=True)] = ""
    """Read these in place of frames: a folder of files that `signkit landmarks` wrote for the frames."""
    clean: bool = True
    """Clean the glosses of train by the rules of the protocol phoenix2014; dev and test come clean."""
    missing: Literal["refuse", "skip"] = "refuse"
    """A sample of train without frames (or landmarks): stop, or leave it out, counted and named."""
    leave_out: tuple[str, ...] = ("13April_2011_Wednesday_tagesschau_default-14",)
    """Ids that are not used. This one's frames end before its sentence does; most systems leave it out."""


def check_written(written: bool, reference: str, landmarks: str) -> None:
    """Refuse options that do not go together with glosses in place of recordings.

    Raises:
        UserError: they do not.
    """
    if written and reference == "gloss":
        what = "has the glosses read, and data.reference has them written too"
        raise UserError("data.written", what, "data.reference: text")
    if written and landmarks:
        raise UserError("data.landmarks", "has no effect: data.written reads glosses", "leave one out")


@dataclass(frozen=True, kw_only=True)
class Phoenix2014tConfig:
    """RWTH-PHOENIX-Weather 2014 T, the official folder: frames, glosses and German text."""

    factory: ClassVar[str] = "signkit.data.corpora.phoenix2014t:read"
    inventory: ClassVar[str] = "signkit.data.corpora.phoenix2014t:take_stock"
    root: Annotated[str, Path_()]
    """The unpacked release, or the folder PHOENIX-2014-T in it."""
    frames: Annotated[str, NewPath()] = "fullFrame-210x260px"
    """The folder of frames below `features`."""
    landmarks: Annotated[str, Path_(optional=True)] = ""
    """Read these in place of frames: a folder of files that `signkit landmarks` wrote for the frames."""
    clean: bool = True
    """Clean the glosses of train by the rules of the protocol phoenix2014t; it cleans dev and test itself."""
    missing: Literal["refuse", "skip"] = "refuse"
    """A sample of train without frames (or landmarks): stop, or leave it out, counted and named."""
    leave_out: tuple[str, ...] = ()
    """Ids that are not used."""
    reference: Literal["gloss", "text"] = "gloss"
    """What a model is to write: the glosses, or the translation."""
    written: bool = False
    """Read the glosses in place of the recordings, which need not be there, for a translation of glosses."""

    def __post_init__(self) -> None:
        check_written(self.written, self.reference, self.landmarks)

    @property
    def source_protocol(self) -> str:
        """The protocol by which a run's sources are cleaned, also those that it translates later."""
        return "phoenix2014t" if self.clean else ""


@dataclass(frozen=True, kw_only=True)
class CslDailyConfig:
    """CSL-Daily, the official folders: frames of everyday Chinese sentences, glosses and text."""

    factory: ClassVar[str] = "signkit.data.corpora.csl_daily:read"
    inventory: ClassVar[str] = "signkit.data.corpora.csl_daily:take_stock"
    root: Annotated[str, Path_()]
    """The folder that holds `sentence_label` and the folder of frames."""
    frames: Annotated[str, NewPath()] = ""
    """The folder of frames below the root; empty: `sentence_frames-512x512` or another usual one."""
    landmarks: Annotated[str, Path_(optional=True)] = ""
    """Read these in place of frames: a folder of files that `signkit landmarks` wrote for the frames."""
    missing: Literal["refuse", "skip"] = "refuse"
    """A sample of train without frames (or landmarks): stop, or leave it out, counted and named."""
    leave_out: tuple[str, ...] = ()
    """Ids that are not used."""
    reference: Literal["gloss", "text"] = "gloss"
    """What a model is to write: the glosses, or the translation."""
    written: bool = False
    """Read the glosses in place of the recordings, which need not be there, for a translation of glosses."""

    def __post_init__(self) -> None:
        check_written(self.written, self.reference, self.landmarks)


@dataclass(frozen=True, kw_only=True)
class HearaiConfig(FoldsConfig):
    """HearAI's collections: folders of frames, annotated by gloss and by HamNoSys."""

    factory: ClassVar[str] = "signkit.data.corpora.hearai:read"
    root: Annotated[str, Path_()]
    """The folder of the annotation files and of a folder for each clip."""
    gloss: Annotated[str, NewPath()] = "test_gloss.txt"
    """The annotation file of glosses below the root; empty: none."""
    hamnosys: Annotated[str, NewPath()] = "test_hamnosys.txt"
    """The annotation file of HamNoSys classes below the root; empty: none."""
    signal: Literal["frames", "landmarks", "features"] = "frames"
    """Frames; landmarks of each clip's npz file; or all numbers of that as feature vectors."""
    missing: Literal["refuse", "skip"] = "refuse"
    """A clip of train without frames (or landmarks): stop, or leave it out, counted and named."""


@dataclass(frozen=True, kw_only=True)
class WlaslConfig(FoldsConfig):
    """WLASL, the official folder: isolated signs of ASL as video, or as landmarks made of it."""

    factory: ClassVar[str] = "signkit.data.corpora.wlasl:read"
    inventory: ClassVar[str] = "signkit.data.corpora.wlasl:take_stock"
    root: Annotated[str, Path_()]
    """The folder that holds the list, or `start_kit` with it."""
    glosses: Annotated[int, Range(0)] = 2000
    """The first so many glosses of the list: 100, 300, 1000 or 2000 for WLASL100 and so on. 0: all."""
    file: Annotated[str, NewPath()] = "WLASL_v0.3.json"
    """The list."""
    videos: Annotated[str, NewPath()] = "videos"
    """The folder of videos next to the list."""
    landmarks: Annotated[str, Path_(optional=True)] = ""
    """Read these in place of videos: a folder of files that `signkit landmarks` wrote for the videos."""
    missing: Literal["refuse", "skip"] = "refuse"
    """Clips that are not there or cannot be used: stop, or leave them out of all splits, counted."""


@dataclass(frozen=True, kw_only=True)
class GislrConfig(FoldsConfig):
    """Google's Isolated Sign Language Recognition, Kaggle's folder: landmarks of 250 signs of ASL."""

    factory: ClassVar[str] = "signkit.data.corpora.gislr:read"
    inventory: ClassVar[str] = "signkit.data.corpora.gislr:take_stock"
    root: Annotated[str, Path_()]
    """The folder that holds `train.csv` and `train_landmark_files`."""
    fps: Annotated[float, Range(0, 1000)] = 0.0
    """Frames a second, which the files do not tell; 0: 25."""
    missing: Literal["refuse", "skip"] = "refuse"
    """Clips that are not there or cannot be used: stop, or leave them out of all splits, counted."""


@dataclass(frozen=True, kw_only=True)
class TakesConfig:
    """Signs that one person recorded in the page of `signkit live`, with some of the takes held out."""

    factory: ClassVar[str] = "signkit.data.corpora.takes:read"
    file: Annotated[str, Path_()]
    """The file that was downloaded; several are put together by `cat`."""
    test_take: Annotated[int, Range(0, 5)] = 5
    """The take of each sign that is test, by its number, and every fifth one after it; 0: all are train."""


@dataclass(frozen=True, kw_only=True)
class ChicagofswildConfig:
    """ChicagoFSWild and ChicagoFSWild+, the official folders: frames of words spelled in films of the web."""

    factory: ClassVar[str] = "signkit.data.corpora.chicagofswild:read"
    inventory: ClassVar[str] = "signkit.data.corpora.chicagofswild:take_stock"
    root: Annotated[str, Path_()]
    """The unpacked archive: the folder of the csv, or the one above."""
    part: Literal["auto", "fswild", "plus", "mict"] = "auto"
    """ChicagoFSWild, ChicagoFSWild+, or MiCT-RANet's list of the test clips of both; `auto`: the first that
    is there."""
    frames: Annotated[str, NewPath()] = ""
    """The folder of frames below the csv's; empty: `ChicagoFSWild-Frames` or another usual one."""
    boxes: Annotated[str, Path_(optional=True)] = ""
    """A file of boxes of the signing hand, to which frames are cropped, or a run that says by its attention
    where the hand is; empty: whole frames."""
    zoom: Annotated[float, Range(0.05, 1)] = ZOOM
    """Where `boxes` is a run: the side of the box, as a share of the side of what that run was shown."""
    box: Annotated[int, Range(1, 4)] = 2
    """Which of the four squares of MiCT-RANet's boxes, from wide to narrow."""
    landmarks: Annotated[str, Path_(optional=True)] = ""
    """Read these in place of frames: a folder of files that `signkit landmarks` wrote for the frames."""
    fps: Annotated[float, Range(0.1, 1000)] = 25.0
    """Frames a second, which the lists do not tell."""
    missing: Literal["refuse", "skip"] = "refuse"
    """A sample of train without frames, box or landmarks: stop, or leave it out, counted and named."""

    def __post_init__(self) -> None:
        if self.boxes and self.landmarks:
            raise UserError("boxes", "crop frames, and landmarks are read in their place", "leave out boxes")

    @property
    def prediction_note(self) -> str:
        """What matters for predicting other clips; "" if nothing does."""
        seen = "the model was trained on frames that were cropped to the hand (data.boxes)"
        whole = self.boxes and not is_run(self.boxes)
        return f"{seen}, and the clips are read whole: crop them first" if whole else ""


@dataclass(frozen=True, kw_only=True)
class AslfrConfig(FoldsConfig):
    """Google's ASL Fingerspelling Recognition, Kaggle's folder: landmarks of spelled phrases and numbers."""

    factory: ClassVar[str] = "signkit.data.corpora.aslfr:read"
    inventory: ClassVar[str] = "signkit.data.corpora.aslfr:take_stock"
    root: Annotated[str, Path_()]
    """The folder that holds `train.csv` and `train_landmarks`."""
    points: Literal["fingerspelling", "hand_and_arm", "hands", "signing", "all"] = "fingerspelling"
    """The points that are read, and the layout of the corpus; `landmarks.points` selects from these."""
    supplemental: bool = False
    """Join the supplemental phrases to train, those of participants who are not in dev or test."""
    fps: Annotated[float, Range(0.1, 1000)] = 30.0
    """Frames a second, which the files do not tell."""
    aspect: Annotated[float, Range(0.1, 10)] = 1.0
    """Multiply y by this: 1.78 if x and y are shares of an upright 9:16 picture."""
    least_frames_per_character: Annotated[float, Range(0, 1000)] = 0.0
    """Leave out clips of train with fewer frames than so many for each character; 0: none."""
    least_hand_frames: Annotated[float, Range(0, 1000)] = 0.0
    """Leave out clips of train that show a hand in at most so many frames for each character; 0: none."""
    missing: Literal["refuse", "skip"] = "refuse"
    """Clips that are not there or cannot be used: stop, or leave them out of all splits, counted."""
    unseen: Literal["use", "skip", "refuse"] = "use"
    """A clip that shows no hand in any frame: use it as it is, leave it out of train, or stop."""
