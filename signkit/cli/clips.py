"""The verbs that read clips, `signkit predict` and `signkit landmarks`, as the command line has them.

What they do is imported only when they are called.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from signkit.cli.options import Address, AsJson, Executor, RunName, WithFile
from signkit.runtime.paths import path_of

ListFile = Annotated[
    Path | None,
    typer.Option("--list", metavar="FILE", parser=path_of, help="A text file of inputs, one a line."),
]


OnError = Literal["stop", "skip"]


CaptionsFormat = Literal["vtt", "srt"]


def predict(
    run: RunName,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT",
            parser=path_of,
            help="Videos, folders of frames, files of landmarks or features, or folders of any of these.",
        ),
    ] = None,
    list_file: ListFile = None,
    as_json: AsJson = False,
    with_file: WithFile = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="decode.KEY=VALUE", help="Replace a value of decode; repeatable."),
    ] = None,
    beam: Annotated[int | None, typer.Option(min=1, max=4096, help="Width of the beam; 1 is greedy.")] = None,
    on_error: Annotated[
        OnError, typer.Option(help="An input that cannot be used ends everything, or is left out.")
    ] = "stop",
    fps: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1000,
            help="Frames a second of inputs that do not say, such as folders of frames.  [default: 25]",
        ),
    ] = None,
    captions: Annotated[
        Path | None, typer.Option(metavar="DIR", parser=path_of, help="Write NAME.vtt there: captions.")
    ] = None,
    captions_format: Annotated[CaptionsFormat, typer.Option(help="WebVTT, or SubRip's NAME.srt.")] = "vtt",
    elan: Annotated[
        Path | None,
        typer.Option(metavar="DIR", parser=path_of, help="Write NAME.eaf there: annotations for ELAN."),
    ] = None,
    burn: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=path_of,
            help="Write NAME.glosses.mp4 there: the clip with its glosses, without sound.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    translate: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Translate the glosses with this run; captions are its sentences."),
    ] = None,
) -> None:
    """Recognise videos, or files of landmarks or features, with a trained run."""
    from signkit.commands.predict.options import Outputs, PredictOptions
    from signkit.commands.predict.verb import predict as predict_files
    from signkit.runtime.runs import find_run

    outputs = Outputs(
        captions=captions, captions_format=captions_format, elan=elan, burn=burn, force=force
    )  # fmt: skip
    options = PredictOptions(
        list_file=list_file,
        with_file=with_file,
        overrides=tuple(overrides or ()),
        beam=beam,
        fps=fps,
        on_error=on_error,
        outputs=outputs,
        as_json=as_json,
        translate=find_run(translate) if translate else None,
    )
    raise SystemExit(predict_files(find_run(run), inputs or [], options))


Tracker = Literal["holistic", "hands"]


LandmarkFormat = Literal["npz", "pose"]


Fill = Literal["none", "linear"]


def landmarks(
    out: Annotated[
        Path, typer.Option(metavar="DIR", parser=path_of, help="Where the files and report.jsonl go.")
    ],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT", parser=path_of, help="Videos, folders of frames, folders of either."),
    ] = None,
    format: Annotated[LandmarkFormat, typer.Option(help="Of the files.")] = "npz",
    model: Annotated[Tracker, typer.Option(help="Body, face and hands, or hands alone.")] = "holistic",
    workers: Annotated[
        int, typer.Option(min=0, max=256, help="Processes; 0: as many as there are processors.")
    ] = 0,
    executor: Executor = "local",
    address: Address = "",
    fill: Annotated[Fill, typer.Option(help="linear: fill short gaps, marked by their confidence.")] = "none",
    fps: Annotated[
        float | None,
        typer.Option(min=0.1, max=1000, help="Frames a second of folders of frames.  [default: 25]"),
    ] = None,
    list_file: ListFile = None,
    as_json: AsJson = False,
) -> None:
    """Track the signers of videos: a file of landmarks for each clip. What is done already is kept."""
    from signkit.commands.landmarks.verb import landmarks as track
    from signkit.data.tracking.extract import Options

    options = Options(model=model, format=format, fill=fill, fps=fps)
    raise SystemExit(
        track(inputs or [], list_file, out, options, workers, as_json, executor=executor, address=address)
    )
