"""Put the export of a run into the package, as a model that signkit carries.

    python benchmarks/carry_model.py RUN NAME

The paths of the run's recipe are left out: they mean nothing on another machine.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from signkit.config.recipe import RunConfig
from signkit.models.export import path_options, read_export, with_paths, write_export
from signkit.runtime.runs import CARRIED


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    args = parser.parse_args()
    trained = read_export(args.run)
    data = with_paths(trained.recipe.data, dict.fromkeys(path_options(trained.recipe.data), ""))
    recipe = replace(trained.recipe, name=args.name, data=data, run=RunConfig())
    folder = CARRIED / args.name / "export"
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_export(folder, replace(trained, recipe=recipe))
    print(folder)


if __name__ == "__main__":
    main()
