"""Components by entry points: two owners, broken ones, and only the named one imported."""

import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest

from signkit.config.registry import (
    GROUPS,
    build,
    component_name,
    config_class,
    entry_points_of,
    extra_for,
    offered,
    registered,
    summary,
    unusable,
)
from signkit.config.scalars import misfits
from signkit.config.strict_yaml import Group, read
from signkit.data import layouts as layouts_module
from signkit.data.landmark_files import read_landmarks
from signkit.data.layouts import Layout, layout
from signkit.errors import UserError, UserErrors

Install = Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class MineConfig:
    """A gloss counter.

    More of it.
    """

    factory: ClassVar[str] = "outside:make"
    size: int = 3


@dataclass(frozen=True, kw_only=True)
class Holder:
    model: Annotated[object, Group("models")]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Stand in for installed packages: each entry point as name and value."""

    def install_points(*points: tuple[str, str]) -> None:
        found = tuple(EntryPoint(name, value, "signkit.models") for name, value in points)
        monkeypatch.setattr(
            "importlib.metadata.entry_points", lambda group: found if group == "signkit.models" else ()
        )
        entry_points_of.cache_clear()

    outside = types.ModuleType("outside")
    outside.MineConfig = MineConfig  # type: ignore[attr-defined]
    outside.NotConfig = dict  # type: ignore[attr-defined]
    outside.make = lambda config, *args, **kwargs: (config.size, args, kwargs)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "outside", outside)
    yield install_points
    entry_points_of.cache_clear()


def test_every_builtin_component_is_a_documented_config_with_a_factory() -> None:
    for group in GROUPS:
        for name in registered(group):
            cls = config_class(group, name)
            assert summary(cls).endswith((".", ")")), f"{group} {name} says in a line what it is"
            nothing_to_build = getattr(cls, "placeholder", False) or (group == "decoders" and not cls.factory)
            if not nothing_to_build:
                assert cls.factory.startswith("signkit.") and cls.factory.count(":") == 1


def test_a_component_of_another_package_is_found_and_built(install: Install) -> None:
    install(("mine", "outside:MineConfig"))
    assert list(registered("models")) == ["mine"]
    config = config_class("models", "mine")(size=4)
    assert build(config, "encoder", vocabulary=2) == (4, ("encoder",), {"vocabulary": 2})
    assert component_name("models", config) == "mine"
    assert summary(MineConfig) == "A gloss counter."


def test_two_packages_that_claim_one_name_are_both_named_where_it_is_used(install: Install) -> None:
    install(("mine", "outside:MineConfig"), ("mine", "elsewhere:MineConfig"), ("other", "outside:MineConfig"))
    assert config_class("models", "other") is MineConfig
    with pytest.raises(UserError) as caught:
        config_class("models", "mine")
    assert str(caught.value) == (
        "signkit.models: 'mine' is claimed by elsewhere:MineConfig and outside:MineConfig; "
        "uninstall elsewhere:MineConfig or outside:MineConfig"
    )
    assert offered("models") == ["other"]


def test_what_is_broken_is_listed_as_such(install: Install) -> None:
    install(("mine", "outside:MineConfig"), ("bad", "outside:Gone"))
    assert offered("models") == ["mine"]
    (why,) = unusable("models").values()
    assert "module 'outside' has no attribute 'Gone'" in why
    assert component_name("models", MineConfig()) == "mine"


def test_the_same_entry_found_twice_is_one(install: Install) -> None:
    install(("mine", "outside:MineConfig"), ("mine", "outside:MineConfig"))
    assert list(registered("models")) == ["mine"]


def test_nothing_registered_says_what_to_do(install: Install) -> None:
    install()
    with pytest.raises(UserError) as caught:
        registered("models")
    assert str(caught.value) == (
        "signkit.models: no component is registered; install signkit first: pip install -e ."
    )


def test_an_unknown_name_comes_with_a_suggestion() -> None:
    with pytest.raises(KeyError, match="did you mean `gcn`?"):
        config_class("encoders", "gnc")
    with pytest.raises(KeyError, match="one of .*`c2st`, `classifier`, `ctc`"):
        config_class("models", "zzz")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gone_module:X", "models 'bad' cannot be loaded from gone_module:X: No module named 'gone_module'"),
        (
            "outside:Gone",
            "models 'bad' cannot be loaded from outside:Gone: module 'outside' has no attribute 'Gone'",
        ),
        ("outside:NotConfig", "outside:NotConfig is not a dataclass with a factory"),
    ],
)
def test_a_broken_component_is_a_clear_message_and_harms_no_other(
    install: Install, value: str, message: str
) -> None:
    install(("bad", value), ("mine", "outside:MineConfig"))
    assert config_class("models", "mine") is MineConfig
    with pytest.raises(UserError) as caught:
        config_class("models", "bad")
    assert str(caught.value) == f"{value}: {message}"


def test_a_broken_component_is_reported_at_its_place_in_a_recipe(install: Install) -> None:
    install(("bad", "gone_module:X"))
    with pytest.raises(UserErrors) as caught:
        read("model: {name: bad}\n", "r.yaml", Holder)
    assert str(caught.value) == (
        "r.yaml:1:15: gone_module:X: models 'bad' cannot be loaded from gone_module:X: "
        "No module named 'gone_module'"
    )


def test_options_that_are_not_registered_have_no_name() -> None:
    with pytest.raises(KeyError, match="MineConfig is not registered in signkit.models"):
        component_name("models", MineConfig())


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("timm", "needs the package timm; pip install 'signkit[video]'"),
        ("mediapipe", "needs the package mediapipe; pip install 'signkit[landmarks]'"),
        (
            "elsewhere",
            "its factory needs_elsewhere:build cannot be loaded: "
            "No module named 'elsewhere.deeper'; 'elsewhere' is not a package",
        ),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, message: str
) -> None:
    (tmp_path / f"needs_{module}.py").write_text(f"import {module}.deeper\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    config = types.SimpleNamespace(factory=f"needs_{module}:build")
    with pytest.raises(UserError) as caught:
        build(config)
    assert str(caught.value) == f"needs_{module}:build: {message}"


def test_reading_options_imports_no_component() -> None:
    code = (
        "import sys; from signkit.config.registry import GROUPS, config_class, registered\n"
        "for group in GROUPS:\n"
        "    for name in registered(group): config_class(group, name)\n"
        "print(sorted(m for m in sys.modules if m in ('torch', 'numpy', 'transformers')))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def hand_of(name: str) -> Layout:
    return replace(layout("hand"), name=name)


@pytest.fixture
def install_layouts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Stand in for packages with layouts: each by its name and what the entry point refers to."""

    def install_points(**layouts: object) -> None:
        outside = types.ModuleType("outside")
        for name, value in layouts.items():
            setattr(outside, name.upper(), value)
        monkeypatch.setitem(sys.modules, "outside", outside)
        found = [EntryPoint(name, f"outside:{name.upper()}", "signkit.layouts") for name in layouts]
        monkeypatch.setattr(
            "importlib.metadata.entry_points", lambda group: found if group == "signkit.layouts" else ()
        )
        entry_points_of.cache_clear()

    yield install_points
    entry_points_of.cache_clear()
    layouts_module._outside.cache_clear()


def test_a_layout_of_another_package(install_layouts: Install, tmp_path: Path) -> None:
    """Files name it as any other; the built-in ones are as ever."""
    install_layouts(glove=hand_of("glove"), hand=hand_of("hand"))
    assert layout("glove").points == layout("hand").points
    points = np.arange(2 * 21 * 3, dtype=np.float32).reshape(2, 21, 3)
    np.savez(tmp_path / "a.npz", landmarks=points, layout="glove")
    assert np.array_equal(read_landmarks(tmp_path / "a.npz").points, points)  # type: ignore[union-attr]
    with pytest.raises(UserError, match="unknown landmark layout 'glov'; did you mean `glove`?"):
        layout("glov")


def test_layouts_that_cannot_be_used_name_their_package(install_layouts: Install) -> None:
    install_layouts(glove={"points": 3}, sock=hand_of("glove"))
    for name, message in {
        "glove": "outside:GLOVE: outside:GLOVE is not a Layout",
        "sock": "outside:SOCK: is registered as 'sock', but its name is 'glove'",
    }.items():
        with pytest.raises(UserError) as caught:
            layout(name)
        assert str(caught.value) == message


def test_a_module_with_another_name_than_its_package() -> None:
    """Pillow is imported as PIL."""
    with pytest.raises(UserError) as caught, extra_for("the layout phoenix2014"):
        raise ModuleNotFoundError("No module named 'PIL'", name="PIL")
    assert str(caught.value) == (
        "the layout phoenix2014: needs the package pillow; pip install 'signkit[video]'"
    )


def test_layouts_with_a_fault_are_one_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, install_layouts: Install
) -> None:
    """Their module raises while it is imported."""
    module = tmp_path / "sensors.py"
    fields = 'name="sock", points=("a", "b"), parts={"foot": (0, 2)}, edges=(), mirror=(0, 1)'
    module.write_text(f"from signkit.data.layouts import Layout\n\nSOCK = Layout({fields})\n")
    monkeypatch.syspath_prepend(tmp_path)
    install_layouts()
    point = EntryPoint("sock", "sensors:SOCK", "signkit.layouts")
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [point] if group == "signkit.layouts" else ()
    )
    entry_points_of.cache_clear()
    with pytest.raises(UserError) as caught:
        layout("sock")
    assert str(caught.value) == (
        "sensors:SOCK: layouts 'sock' cannot be loaded from sensors:SOCK: "
        f"ValueError: layout 'sock': part 'foot' has 2, and the points are 0 to 1 ({module}:3)"
    )
    assert layouts_module.summaries()["sock"] == f"cannot be used: {caught.value}"


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A section of options."""

    rate: float = "fast"  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class ManyConfig:
    """Options of every type."""

    factory: ClassVar[str] = "outside:make"
    fine: float = 1
    none: int | None = None
    both: int | None = "x"  # type: ignore[assignment]
    kind: Literal["a", "b"] = "c"  # type: ignore[assignment]
    flag: bool = 1  # type: ignore[assignment]
    inner: Inner = Inner()
    odd: dict = field(default_factory=dict)  # type: ignore[type-arg]


def test_defaults_that_no_recipe_could_give(install: Install) -> None:
    sys.modules["outside"].ManyConfig = ManyConfig  # type: ignore[attr-defined]
    install(("many", "outside:ManyConfig"))
    with pytest.raises(UserErrors) as caught:
        read("model: {name: many}\n", "r.yaml", Holder)
    needs = {
        "both": "is 'x', and it needs a whole number",
        "kind": "is 'c', and it needs one of `a`, `b`",
        "flag": "is 1, and it needs true or false",
        "inner": "is Inner(rate='fast'), and it needs a number as its `rate`",
        "odd": "is {}, and it needs a type that a recipe can hold, not dict",
    }
    assert [fault.what for fault in caught.value.faults] == [
        f"the default of `model.{name}` {need}" for name, need in needs.items()
    ]


def test_signkits_own_options_have_defaults_that_a_recipe_could_give() -> None:
    for group in GROUPS:
        for name in registered(group):
            assert misfits(config_class(group, name)) == {}
