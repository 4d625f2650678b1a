"""Recipes: found by name or path, read, written out resolved, compared."""

import dataclasses
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from small_recipes import OF_STAGES, SINGLE

from signkit.config.assets import asset, find, names
from signkit.config.pipeline import Pipeline
from signkit.config.recipe import PARTS, Recipe, TrainConfig, default_decoder
from signkit.config.recipe_file import find_recipe, load_pipeline, load_recipe, resolved
from signkit.config.registry import component_name, config_class, registered
from signkit.config.strict_yaml import Asset, Group, Path_, Range, field_types, read
from signkit.config.yaml_write import differences, to_plain
from signkit.decode.configs import LatticeConfig
from signkit.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
LEAST = """\
data: {name: synthetic}
encoder: {name: gcn}
context: {name: none}
model: {name: ctc}
train: {losses: [{name: ctc}]}
"""


def user_error(ref: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(UserError) as caught:
        load_recipe(ref, overrides)
    return str(caught.value)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_least_recipe_has_all_defaults(empty: Path) -> None:
    (empty / "least.yaml").write_text(LEAST)
    recipe = load_recipe("least.yaml")
    assert recipe.name == "least"
    assert recipe.train == TrainConfig(losses=(config_class("losses", "ctc")(),))
    assert load_recipe("least.yaml", name="other").name == "other"


def test_a_builtin_recipe_is_found_by_name_and_by_its_path(empty: Path) -> None:
    by_name = load_recipe("quickstart")
    assert by_name == load_recipe("recipes/quickstart.yaml")
    assert by_name.name == "quickstart"
    assert find_recipe("quickstart") == (asset("recipes", "quickstart"), "recipes/quickstart.yaml")
    (empty / "quickstart").mkdir()  # a folder of runs, say
    assert load_recipe("quickstart") == by_name


def test_a_file_of_ones_own_goes_before_the_builtin_one(empty: Path) -> None:
    (empty / "recipes").mkdir()
    (empty / "recipes" / "quickstart.yaml").write_text(LEAST)
    assert load_recipe("recipes/quickstart.yaml").model == config_class("models", "ctc")()


def test_a_recipe_that_is_not_there_is_a_clear_message(empty: Path) -> None:
    assert (
        user_error("quickstrt") == "quickstrt: no built-in recipe has this name; did you mean `quickstart`?"
    )
    assert user_error("zzz") == "zzz: no built-in recipe has this name; `signkit list` shows them"
    assert user_error("quickstart.yaml") == (
        "quickstart.yaml: there is no such file; did you mean the built-in `quickstart`?"
    )
    assert user_error("quickstat.yaml") == "quickstat.yaml: there is no such file; did you mean `quickstart`?"
    assert user_error("gloss_lstm") == (
        "gloss_lstm: is a language model; `signkit lm train gloss_lstm`, or lm/gloss_lstm.yaml"
    )
    (empty / "mine.yaml").write_text(LEAST)
    assert user_error("mne.yaml") == "mne.yaml: there is no such file; did you mean `mine.yaml`?"
    (empty / "folder.yaml").mkdir()
    assert user_error("folder.yaml") == "folder.yaml: is a folder, not a recipe"


def test_a_fault_of_a_builtin_recipe_is_placed_in_its_file() -> None:
    assert user_error("quickstart", ("train.lrr=3", "decode.beam=0")) == (
        "--set train.lrr=3: unknown key `train.lrr`; did you mean `lr`?\n"
        "--set decode.beam=0: `decode.beam` must be between 1 and 4096, not `0`"
    )


def test_a_misspelt_option_of_a_component_is_named(empty: Path) -> None:
    text = LEAST.replace("{name: gcn}", "\n  name: gcn\n  local_temporal:\n    widht: 3\n  layres: 3")
    (empty / "r.yaml").write_text(text)
    assert user_error("r.yaml") == (
        "r.yaml:5:5: unknown key `encoder.local_temporal.widht`; did you mean `width`?\n"
        "r.yaml:6:3: unknown key `encoder.layres`; did you mean `global_temporal.layers`?"
    )


def test_greedy_search_has_no_place_for_language_models(empty: Path) -> None:
    """Found when the recipe is read; a part of weight 0 is none."""
    decode = "decode:\n  beam: 1\n  rescore:\n    - {name: ngram, weight: %s}\n"
    (empty / "r.yaml").write_text(LEAST + decode % 0.5)
    line = LEAST.count("\n") + 2
    assert user_error("r.yaml") == (
        f"r.yaml:{line}:9: `decode.beam`: is 1, greedy search, which has no place for decode.fusion and "
        "decode.rescore; a wider beam, such as 8, or none of them"
    )
    (empty / "r.yaml").write_text(LEAST + decode % 0)
    assert load_recipe("r.yaml").decode.beam == 1


def test_a_decoder_without_a_name_is_the_models(empty: Path) -> None:
    """Recipes of version 0.1 name none."""
    for section in ("decode: {beam: 3}\n", "decode: {name: lattice, beam: 3}\n"):
        (empty / "r.yaml").write_text(LEAST + section)
        assert load_recipe("r.yaml").decode == LatticeConfig(beam=3)
    (empty / "r.yaml").write_text(LEAST)
    assert load_recipe("r.yaml").decode == LatticeConfig() == default_decoder()
    assert load_recipe("r.yaml", ["decode.beam=3"]).decode == LatticeConfig(beam=3)
    assert "\ndecode:\n  name: lattice\n" in resolved(load_recipe("r.yaml"))
    assert user_error("r.yaml", ("decode.name=latice",)) == (
        "--set decode.name=latice: `decode.name` cannot be `latice`; did you mean `lattice`?"
    )


def test_an_older_name_is_read_and_the_present_one_written(empty: Path) -> None:
    (empty / "r.yaml").write_text(LEAST.replace("gcn", "swin"))
    (empty / "now.yaml").write_text(LEAST.replace("gcn", "timm"))
    old, now = load_recipe("r.yaml", name="r"), load_recipe("now.yaml", name="r")
    assert old == now
    assert resolved(old) == resolved(now)
    assert to_plain(old)["encoder"]["name"] == "timm"
    assert differences(old, now) == []


SEEING = {"encoder": "{name: gcn}", "context": "{name: embedding}", "model": "{name: c2st}"}
SAYING = {"context": "{name: lstm}", "model": "{name: language_model}"}
LOSS = {"c2st": "cst", "ctc": "ctc", "language_model": "next_token"}


def with_parts(folder: Path, **parts: str) -> str:
    model = parts["model"].removeprefix("{name: ").removesuffix("}")
    lines = [f"{key}: {value}" for key, value in {"data": "{name: synthetic}", **parts}.items()]
    (folder / "r.yaml").write_text("\n".join([*lines, f"train: {{losses: [{{name: {LOSS[model]}}}]}}", ""]))
    return "r.yaml"


def test_a_model_has_the_parts_that_it_needs(empty: Path) -> None:
    assert load_recipe(with_parts(empty, **SEEING)).task == "recognition"
    assert load_recipe(with_parts(empty, encoder="{name: gcn}", model="{name: ctc}")).context is None
    language = load_recipe(with_parts(empty, **SAYING))
    assert (language.task, language.encoder, language.part("encoder")) == ("language", None, None)
    assert "\nencoder: null\n" in resolved(language)
    known = ", ".join(f"`{name}`" for name in registered("encoders") if name not in ("nothing", "swin"))
    assert "`features`, `gcn`" in known
    encoders = f"`encoder: {{name: …}}` with one of {known}"
    for encoder in ({}, {"encoder": "{name: nothing}"}):
        parts = {key: value for key, value in SEEING.items() if key != "encoder"} | encoder
        assert user_error(with_parts(empty, **parts)) == f"r.yaml:1:1: missing key `encoder`; {encoders}"
    assert user_error(with_parts(empty, encoder="{name: gcn}", model="{name: c2st}")) == (
        "r.yaml:1:1: missing key `context`; "
        "`context: {name: …}` with one of `bert`, `embedding`, `lstm`, `none`"
    )
    assert user_error(with_parts(empty, **SAYING, encoder="{name: gcn}")) == (
        "r.yaml:4:10: `encoder`: `language_model` has none; leave it out"
    )


def test_an_encoder_of_nothing_is_a_placeholder(empty: Path) -> None:
    """Of language models in recipes of version 0.1; it is written as it was read."""
    recipe = load_recipe(with_parts(empty, **SAYING, encoder="{name: nothing, width: 8}"))
    assert recipe.part("encoder") is None
    assert to_plain(recipe)["encoder"] == {"name": "nothing", "width": 8}
    assert read(resolved(recipe), "resolved.yaml", Recipe, given={"name": "r"}) == recipe


def test_losses_are_those_of_the_model(empty: Path) -> None:
    path = with_parts(empty, **SEEING)
    assert user_error(path, ("train.losses.0.name=next_token",)) == (
        "r.yaml:5:18: `train.losses.0`: `next_token` is no loss of `c2st`; it is of another kind of model"
    )
    assert user_error(path, ("train.losses=[]",)) == (
        "--set train.losses=[]: `train.losses`: has no term; for example losses: [{name: cst}]"
    )


def test_the_name_is_the_files_not_a_key(empty: Path) -> None:
    (empty / "r.yaml").write_text(LEAST + "name: other\n")
    assert user_error("r.yaml").startswith("r.yaml:6:1: unknown key `name`")


@pytest.mark.parametrize("name", names("recipes"))
def test_every_builtin_recipe_is_short_and_says_what_it_is(name: str) -> None:
    lines = (ROOT / "recipes" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 60
    assert lines[0].startswith("# ")


@pytest.mark.parametrize("name", OF_STAGES)
def test_every_builtin_recipe_of_stages_is_valid(name: str) -> None:
    pipeline = load_pipeline(name, check_paths=False)
    assert pipeline is not None and pipeline.name == name
    again = read(resolved(pipeline), "resolved.yaml", Pipeline, given={"name": name}, check_paths=False)
    assert again == pipeline


@pytest.mark.parametrize("name", SINGLE)
def test_every_builtin_recipe_is_valid(name: str, tmp_path: Path) -> None:
    data = load_recipe(name, check_paths=False).data
    made_up = bool(getattr(data, "video", 0))  # frames of the synthetic hand, which has no recordings
    needed = hasattr(data, "root") and not made_up
    paths = [key for key in ("root", "landmarks") if key == "root" and needed or getattr(data, key, "")]
    paths += ["file"] * (component_name("corpora", data) == "takes")
    recipe = load_recipe(name, [f"data.{key}={tmp_path}" for key in paths])
    assert recipe.name == name
    assert read(resolved(recipe), "resolved.yaml", Recipe, given={"name": name}) == recipe


def test_resolved_is_the_same_text_every_time_and_short_lists_stand_on_a_line() -> None:
    recipe = load_recipe("quickstart", ["decode.splits=[dev]", "run.dir=no", "train.lr=1e-5"])
    text = resolved(recipe)
    assert text == resolved(
        load_recipe("quickstart", ["train.lr=0.00001", "run.dir='no'", "decode.splits=[dev]"])
    )
    assert "  splits: [dev]\n" in text
    assert "run:\n  dir: 'no'\n" in text
    assert "  lr: 1.0e-05\n" in text
    assert to_plain(recipe)["data"]["name"] == "synthetic"


def test_differences_are_dotted_keys_with_both_values() -> None:
    losses = "train.losses=[{name: ctc}, {name: kl}]"
    old = load_recipe("quickstart", [losses, "train.lr=1e-3", "context={name: bert}", "train.init_from="])
    new = load_recipe(
        "quickstart",
        [
            losses,
            "train.lr=3e-4",
            "context={name: lstm}",
            "decode.splits=[test]",
            "train.losses.0.weight=2",
            "run.dir=x",
        ],
    )
    assert differences(old, old) == []
    assert differences(old, new, ignore=("run",)) == [
        "`context.name`: bert, now lstm",
        "`train.losses.0.weight`: 1.0, now 2.0",
        "`train.lr`: 0.001, now 0.0003",
        "`decode.splits`: [dev, test], now [test]",
    ]
    assert differences(old, new)[-1] == "`run.dir`: runs, now x"
    fewer = dataclasses.replace(old.train, losses=old.train.losses[:1])
    assert (
        differences(old, dataclasses.replace(old, train=fewer))[0] == "`train.losses.1.name`: kl, now absent"
    )


def test_assets_are_named_or_files_of_ones_own(empty: Path) -> None:
    assert find("eval", "plain") == asset("eval", "plain")
    (empty / "mine.yaml").touch()
    assert find("eval", "mine.yaml") == Path("mine.yaml")
    for ref, message in [
        ("plian", "plian: no built-in scoring protocol has this name; did you mean `plain`?"),
        ("plain.yaml", "plain.yaml: there is no such file; did you mean the built-in `plain`?"),
        ("gone.yml", "gone.yml: there is no such file"),
    ]:
        with pytest.raises(UserError) as caught:
            find("eval", ref)
        assert str(caught.value) == message


_printable = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\ufffe\uffff"), max_size=12
)


def _values(hint: Any, notes: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Anything that a type allows."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        return _values(hint.__origin__, (*hint.__metadata__, *notes))
    for note in notes:
        if isinstance(note, Group):
            return _component(note.name, registered(note.name))
        if isinstance(note, Path_):
            return st.sampled_from(["", str(ROOT)] if note.optional else [str(ROOT)])
        if isinstance(note, Asset):
            return st.sampled_from(names(note.kind))
    bounds = next((note for note in notes if isinstance(note, Range)), Range(-1000))
    low, high = bounds.low, bounds.low + 1000 if bounds.high is None else bounds.high
    if origin is Literal:
        return st.sampled_from(typing.get_args(hint))
    if origin is tuple:
        return st.lists(_values(typing.get_args(hint)[0]), max_size=3).map(tuple)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(
            *[st.none() if t is type(None) else _values(t, notes) for t in typing.get_args(hint)]
        )
    if dataclasses.is_dataclass(hint):
        return _sections(typing.cast(type, hint))
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(int(low), int(high)),
        float: st.floats(float(low), float(high)),
        bool: st.booleans(),
        str: _printable,
    }
    return plain[hint]


@dataclasses.dataclass(frozen=True)
class _Plan:
    """A section to be made in the test itself: checks of types at run time draw random numbers."""

    cls: type
    values: dict[str, Any]


def _sections(cls: type) -> st.SearchStrategy[Any]:
    fields = {name: _values(hint) for name, hint in field_types(cls).items()}
    return st.fixed_dictionaries(fields).map(lambda values: _Plan(cls, values))


def _component(group: str, names: Iterable[str]) -> st.SearchStrategy[Any]:
    sections = {name: _sections(config_class(group, name)) for name in names}
    return st.sampled_from(tuple(sections)).flatmap(sections.__getitem__)


def _recipes(model: str) -> st.SearchStrategy[Any]:
    """Recipes of a model, with the parts and the losses that it takes; a part it has not may be a
    placeholder, as recipes of version 0.1 have one."""
    cls = config_class("models", model)
    fields = {name: _values(hint) for name, hint in field_types(Recipe).items()}
    fields["model"] = _sections(cls)
    for part, group in PARTS.items():
        real, stand_ins = [], []
        for name in registered(group):
            (stand_ins if hasattr(config_class(group, name), "placeholder") else real).append(name)
        without = st.one_of(st.none(), *(_component(group, stand_ins) for _ in stand_ins))
        wanted = part in cls.needs, part in getattr(cls, "takes", ())
        fields[part] = _component(group, real) if any(wanted) else without
        if wanted == (False, True):
            fields[part] = st.one_of(fields[part], without)
    losses = [name for name in registered("losses") if config_class("losses", name).task == cls.task]
    losses = [*getattr(cls, "losses", losses)]
    terms: st.SearchStrategy[Any] = st.lists(_component("losses", losses), min_size=1, max_size=3).map(tuple)
    if hasattr(cls, "check_recipe"):  # its losses and its heads have to fit
        heads = {"head": "both"} if "head" in field_types(cls) else {}
        fields["model"] = fields["model"].map(lambda plan: _Plan(cls, plan.values | heads))
        terms = st.tuples(*(_component("losses", [name]) for name in losses))
    train = {name: _values(hint) for name, hint in field_types(TrainConfig).items()} | {"losses": terms}
    fields["train"] = st.fixed_dictionaries(train).map(lambda values: _Plan(TrainConfig, values))
    return st.fixed_dictionaries(fields).map(lambda values: _Plan(Recipe, values))


def _make(plan: Any) -> Any:
    if isinstance(plan, tuple):
        return tuple(_make(item) for item in plan)
    if not isinstance(plan, _Plan):
        return plan
    values = {name: _make(value) for name, value in plan.values.items()}
    optional = {f.name for f in dataclasses.fields(plan.cls) if f.default is not dataclasses.MISSING}
    while True:
        try:
            return plan.cls(**values)
        except UserError as error:  # this value does not go with the others, but its default may
            if error.where not in optional & set(values):
                reject()
            del values[error.where]


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # Many drawn values do not go with each other, and the default of none of them would.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.one_of(*map(_recipes, registered("models"))))
def test_every_recipe_reads_back_equal_from_its_resolved_text(plan: _Plan) -> None:
    recipe = _make(plan)
    text = resolved(recipe)
    again = read(text.encode(), "resolved.yaml", Recipe, given={"name": recipe.name})
    assert again == recipe
    assert resolved(again) == text
    assert differences(recipe, again) == []


def test_a_decoder_without_a_name_is_the_models_own() -> None:
    """Whatever is set of it, and wherever the section stands."""
    labels = load_recipe("letters_cnn", ["decode.top=3"], check_paths=False).decode
    assert labels == config_class("decoders", "labels")(top=3)
    assert load_recipe("quickstart", ["decode.beam=3"]).decode == dataclasses.replace(
        load_recipe("quickstart").decode, beam=3
    )
    with pytest.raises(UserError, match=r"unknown key `decode\.beam`; one of `splits`, `batch_size`"):
        load_recipe("letters_cnn", ["decode.beam=3"], check_paths=False)
