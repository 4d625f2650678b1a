"""Notes on the packages of a finished run's components."""

import sys
from pathlib import Path

from signkit.config.recipe_file import package_notes


def print_package_notes(run: Path) -> None:
    """Say which components are installed in another version than the run was made with."""
    for note in package_notes(run / "export" / "recipe.yaml"):
        print(f"note: {note}", file=sys.stderr)
