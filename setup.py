"""Carries the YAML assets of the source tree's top (recipes, lm, eval) into the package."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
KINDS = ("recipes", "lm", "eval")


class BuildWithAssets(build_py):
    """`build_py`, and the assets beside the code: ``signkit/assets/<kind>/<name>.yaml``."""

    def run(self) -> None:
        super().run()
        for source, target in [] if self.editable_mode else self._assets():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target), preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        assets = [] if self.editable_mode else [str(target) for _, target in self._assets()]
        return [*super().get_outputs(include_bytecode), *assets]

    def _assets(self) -> list[tuple[Path, Path]]:
        below = Path(self.build_lib, "signkit", "assets")
        return [
            (path, below / kind / path.name)
            for kind in KINDS
            for path in sorted((ROOT / kind).glob("*.yaml"))
        ]


setup(cmdclass={"build_py": BuildWithAssets})
