"""The verbs of `signkit data`: corpora before a training."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from signkit.cli.options import Address, AsJson, Executor, RunName, complete_corpus

data_app = typer.Typer(
    help="Corpora: fetch, list, check, describe, prepare.", no_args_is_help=True, rich_markup_mode=None
)


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The corpus, such as boston104.")],
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; the user's cache if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a public corpus and check it."""
    from signkit.data.fetch import fetch as fetch_corpus

    raise SystemExit(fetch_corpus(name, to, as_json))


CheckedFrames = Literal["none", "sample", "all"]


CorpusName = Annotated[
    str,
    typer.Argument(metavar="NAME|RECIPE", help="A corpus, or a recipe.", autocompletion=complete_corpus),
]
CorpusRoot = Annotated[
    str | None, typer.Option(metavar="DIR", help="The corpus's folder, or its address: its data.root.")
]
CorpusOverrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An option of the corpus: data.…=…; repeatable."),
]


@data_app.command(short_help="Say what there is of a corpus, and what is missing.")
def check(
    corpus: CorpusName,
    root: CorpusRoot = None,
    frames: Annotated[
        CheckedFrames, typer.Option(help="Frames to decode: of no clip, some of some clips, or all.")
    ] = "sample",
    overrides: CorpusOverrides = None,
    as_json: AsJson = False,
) -> None:
    """Count a corpus against what was published and decode frames; the status is 2 if it has faults."""
    from signkit.commands.data.check import Options, check_corpus

    options = Options(root=root, overrides=tuple(overrides or ()), frames=frames, as_json=as_json)
    raise SystemExit(check_corpus(corpus, options))


@data_app.command(short_help="Describe a corpus on a page of HTML.")
def report(
    corpus: CorpusName,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")],
    root: CorpusRoot = None,
    overrides: CorpusOverrides = None,
    as_json: AsJson = False,
) -> None:
    """Durations, glosses, signers, what dev and test have that train has not, and thumbnails."""
    from signkit.commands.data.report import report_corpus

    raise SystemExit(report_corpus(corpus, out, root, tuple(overrides or ()), as_json))


ManifestKind = Literal["video", "npz", "pose", "parquet", "openpose"]
SplitBy = Literal["gloss", "signer"]
Unmatched = Literal["refuse", "skip"]


@data_app.command(short_help="Write the manifest of a folder of clips.")
def manifest(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the clips.")],
    pattern: Annotated[
        str, typer.Option(metavar="TEXT", help="What names mean: '{gloss}_{signer}_{take}.mp4'.")
    ] = "",
    tier: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A tier of ELAN's files: annotations become rows; repeatable."),
    ] = None,
    kind: Annotated[
        ManifestKind | None, typer.Option(help="Which clips, where there are several kinds.")
    ] = None,
    by: Annotated[SplitBy, typer.Option(help="Splits: each gloss in each, or no signer in two.")] = "gloss",
    dev: Annotated[float | None, typer.Option(help="Share of dev in the clips.  [default: 0.1]")] = None,
    test: Annotated[float | None, typer.Option(help="Share of test in the clips.  [default: 0.1]")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Equal seeds give equal splits.")] = 0,
    unmatched: Annotated[
        Unmatched,
        typer.Option(help="A name that does not match the pattern: stop, or leave it out, counted."),
    ] = "refuse",
    file: Annotated[str, typer.Option(metavar="NAME", help="The manifest's name.")] = "manifest.csv",
    force: Annotated[bool, typer.Option("--force", help="Replace a manifest that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Glosses come from names (--pattern), annotations (--tier), or folders: LABEL/*, SPLIT/LABEL/*."""
    from signkit.commands.data.manifest import show_manifest
    from signkit.data.collect.build import build_manifest

    built = build_manifest(
        folder, pattern=pattern, tiers=tuple(tier or ()), kind=kind, by=by, dev=dev, test=test, seed=seed,
        unmatched=unmatched, file=file, force=force,
    )  # fmt: skip
    raise SystemExit(show_manifest(built, as_json))


SynthLayout = Literal["phoenix2014", "phoenix2014t", "csl_daily", "mp4"]


@data_app.command(short_help="Make a small corpus of video in an official shape.")
def synth(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    layout: Annotated[
        SynthLayout, typer.Option(help="An official folder's shape, or mp4 files with a manifest.")
    ] = "phoenix2014",
    signers: Annotated[int, typer.Option(min=1, max=200, help="People; the fifth is SI5's.")] = 5,
    train: Annotated[int, typer.Option(min=1, help="Clips.")] = 400,
    dev: Annotated[int, typer.Option(min=1, help="Clips.")] = 40,
    test: Annotated[int, typer.Option(min=1, help="Clips.")] = 40,
    glosses: Annotated[int, typer.Option(min=12, max=2000, help="Different signs.")] = 16,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of the frames in pixels.")] = "210x260",
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Equal seeds give equal frames.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Film the avatar of `synthetic`: frames, lists and folders as an official release has them."""
    from signkit.commands.data.synth import read_size, synthesise
    from signkit.data.synthetic.folders import LayoutOptions

    options = LayoutOptions(
        layout=layout, signers=signers, train=train, dev=dev, test=test, glosses=glosses,
        size=read_size(size), seed=seed,
    )  # fmt: skip
    raise SystemExit(synthesise(out, options, as_json))


Format = Literal["shards", "mp4"]


Damaged = Literal["refuse", "skip"]
Motion = Literal["none", "farneback", "difference"]


@data_app.command(short_help="Pack a corpus for training.")
def prepare(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|NAME", help="A recipe, or the name of a corpus.", autocompletion=complete_corpus
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder, or one to go on with.")],
    root: CorpusRoot = None,
    overrides: CorpusOverrides = None,
    size: Annotated[int, typer.Option(min=8, max=2048, help="Height and width of the frames.")] = 256,
    motion: Annotated[
        Motion, typer.Option(help="Pack how much moves with the frames, for a recipe's video.motion.")
    ] = "none",
    format: Annotated[
        Format, typer.Option(help="Shards (a JPEG file a frame), or an mp4 file a clip.")
    ] = "shards",
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEG files, or of the mp4.")] = 92,
    shard_size: Annotated[str, typer.Option(metavar="SIZE", help="Of a shard, about.")] = "1GB",
    workers: Annotated[
        int, typer.Option(min=0, max=1024, help="Processes; 0: as many as there are cores.")
    ] = 0,
    executor: Executor = "local",
    address: Address = "",
    damaged: Annotated[
        Damaged, typer.Option(help="A clip of train that cannot be used: stop, or leave it out, counted.")
    ] = "refuse",
    as_json: AsJson = False,
) -> None:
    """Pack a corpus for training: frames resized, in shards, with an index. Broken off, it goes on."""
    from signkit.commands.data.prepare import Options, prepare_corpus

    options = Options(
        out=out, root=root, overrides=tuple(overrides or ()), size=size, motion=motion, format=format,
        quality=quality, shard_size=shard_size, workers=workers, executor=executor, address=address,
        damaged=damaged, as_json=as_json,
    )  # fmt: skip
    raise SystemExit(prepare_corpus(corpus, options))


@data_app.command(short_help="Crop clips to what a run attends to.")
def zoom(
    run: RunName,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A folder with a manifest, or one; the run's corpus if none."),
    ] = None,
    factor: Annotated[
        float, typer.Option("--zoom", metavar="SHARE", help="Side of a box, of the side of what was seen.")
    ] = 0.6581,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new csv; into the run's folder if not given.")
    ] = None,
    overrides: CorpusOverrides = None,
    as_json: AsJson = False,
) -> None:
    """Write a box for each clip, around what the run attends to, for another run's `data.boxes`.

    signkit data zoom runs/whole/latest --zoom 0.6581
    """
    from signkit.commands.data.zoom import zoom_run

    raise SystemExit(zoom_run(run, data, factor, out, overrides or (), as_json))
