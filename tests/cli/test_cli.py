"""The command: exit statuses, messages word for word, and what it does not import."""

import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from signkit import __version__
from signkit.cli.app import main
from signkit.commands.predict.options import Outputs, PredictOptions
from signkit.config.assets import asset, names
from signkit.config.recipe_file import load_recipe, resolved
from signkit.errors import OperationalError, UserError

Command = Callable[..., tuple[int, str, str]]
CODE = """
import sys
from signkit.cli.app import main
try:
    main()
except SystemExit as leaving:
    print([m for m in ('torch', 'transformers', 'numpy', 'rich', 'yaml') if m in sys.modules])
    raise
"""


@pytest.fixture
def signkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signkit", *args])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return leaving.value.code or 0, captured.out, captured.err  # type: ignore[return-value]

    return call


def subprocess_run(code: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=60)


def test_help_lists_the_verbs(signkit: Command) -> None:
    status, out, err = signkit("--help")
    assert (status, err) == (0, "")
    lines = out[out.index("Commands:") :].splitlines()[1:]
    assert [line.split()[0] for line in lines] == [
        "run", "decode", "tune", "evaluate", "compare", "runs", "export", "profile", "predict", "live",
        "translate", "landmarks", "score", "check", "show", "list", "copy", "data", "lm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("run q", ["quickstart"]),
        ("show own", ["own.yaml", "own/"]),
        ("check lm/gloss_l", ["lm/gloss_lstm.yaml"]),
        ("score --protocol boston", ["boston104"]),
        ("data check man", ["manifest"]),
        ("land", ["landmarks"]),
        ("--install", ["--install-completion"]),
    ],
)
def test_the_shell_completes(
    signkit: Command, monkeypatch: pytest.MonkeyPatch, words: str, offered: list[str]
) -> None:
    """Verbs, built-in recipes and protocols, corpora, and the user's files and folders."""
    Path("own.yaml").touch()
    Path("own").mkdir()
    Path("own.csv").touch()
    monkeypatch.setenv("_SIGNKIT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"signkit {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    assert signkit()[1].split() == offered


def test_version(signkit: Command) -> None:
    assert signkit("--version") == (0, f"signkit {__version__}\n", "")


def test_check_says_ok_or_all_faults(signkit: Command) -> None:
    assert signkit("check", "quickstart") == (0, "recipes/quickstart.yaml: ok\n", "")
    assert signkit("check", "quickstart", "--json") == (0, '{"ok": true, "faults": [], "notes": []}\n', "")
    assert signkit("check", "quickstart", "--set", "train.lr=abc") == (
        2,
        "",
        "error: --set train.lr=abc: `train.lr` needs a number, not `abc`\n",
    )
    assert signkit("check", "quickstart", "--set", "train.lr=abc", "--set", "trian.seed=2") == (
        2,
        "",
        "--set train.lr=abc: `train.lr` needs a number, not `abc`\n"
        "--set trian.seed=2: unknown key `trian`; did you mean `train`?\n"
        "error: 2 faults\n",
    )


def test_the_home_folder_in_quotes_and_after_an_equals_sign(
    signkit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where shells leave `~` as it is; a folder of that name goes first."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    missing = f"error: {tmp_path / 'home' / 'r.txt'}: there is no such file\n"
    assert signkit("score", "~/r.txt", "h.txt") == (2, "", missing)
    (tmp_path / "home").mkdir()
    assert signkit("copy", "quickstart", "~") == (0, f"{tmp_path / 'home' / 'quickstart.yaml'}\n", "")
    Path("r.txt").write_text("A B\n", encoding="utf-8")
    assert signkit("score", "r.txt", "r.txt", "--report=~/page.html", "--resamples=0")[0] == 0
    assert (tmp_path / "home" / "page.html").is_file()
    Path("~").mkdir()
    assert signkit("copy", "quickstart", "~/q.yaml") == (0, "~/q.yaml\n", "")


def test_check_looks_backbones_up(signkit: Command) -> None:
    """In timm's own list; older names are noted, and those of stages too."""
    Path("v.yaml").write_text(
        "data: {name: manifest, root: .}\nencoder: {name: timm, backbone: tv_densenet121, weights: none}\n"
        "context: {name: none}\nmodel: {name: ctc}\ntrain: {losses: [{name: ctc}]}\n",
        encoding="utf-8",
    )
    note = "encoder.backbone: `tv_densenet121` is timm's `densenet121.tv_in1k`"
    assert signkit("check", "v.yaml") == (0, f"v.yaml: ok\nnote: {note}\n", "")
    assert json.loads(signkit("check", "v.yaml", "--json")[1])["notes"] == [note]
    status, _, err = signkit("check", "v.yaml", "--set", "encoder.backbone=resnet_18")
    assert (status, err.split(";")[0]) == (2, "error: encoder.backbone: timm has no model `resnet_18`")


def test_a_recipe_of_an_ngram_model_is_named(signkit: Command) -> None:
    """In one message, not by all that a run needs and it lacks."""
    what = "is the recipe of an n-gram model, not of a run"
    hint = "`signkit lm train ngram` reads it"
    for verb in ("check", "show"):
        assert signkit(verb, "lm/ngram.yaml") == (2, "", f"error: lm/ngram.yaml: {what}; {hint}\n")
    status, out, err = signkit("check", "lm/ngram.yaml", "--set", "lm.order=9", "--json")
    fault = {"where": "lm/ngram.yaml", "what": what, "hint": hint}
    assert (status, json.loads(out), err) == (2, {"ok": False, "faults": [fault]}, "")
    Path("own.yaml").write_text("data: {text: a.txt}\nlm: {order: 2}\n", encoding="utf-8")
    assert signkit("check", "own.yaml") == (
        2,
        "",
        f"error: own.yaml: {what}; `signkit lm train own.yaml` reads it\n",
    )
    Path("own.yaml").write_text("train: {lr: 1}\nlm: {order: 2}\n", encoding="utf-8")
    assert "own.yaml:2:1: unknown key `lm`" in signkit("check", "own.yaml")[2]


def test_check_gives_faults_as_json(signkit: Command) -> None:
    Path("r.yaml").write_text("train: {lr: abc, losses: []}\n", encoding="utf-8")
    status, out, err = signkit("check", "r.yaml", "--json")
    assert (status, err) == (2, "")
    result = json.loads(out)
    assert result["ok"] is False
    assert result["faults"][-1] == {
        "where": "r.yaml:1:13",
        "what": "`train.lr` needs a number, not `abc`",
        "hint": "",
    }
    status, out, err = signkit("check", "gone.yaml", "--json")
    assert (status, err, json.loads(out)["faults"][0]["what"]) == (2, "", "there is no such file")


def test_show_needs_no_data(signkit: Command) -> None:
    status, out, err = signkit("show", "c2st_phoenix", "--json")
    assert (status, err) == (0, "")
    assert Path(json.loads(out)["data"]["root"]).name == "phoenix2014-release"
    assert signkit("check", "c2st_phoenix")[0] == 2


def test_show_prints_the_resolved_recipe(signkit: Command) -> None:
    recipe = load_recipe("quickstart", ["train.seed=7"])
    assert signkit("show", "quickstart", "--set", "train.seed=7") == (0, resolved(recipe), "")
    status, out, _ = signkit("show", "recipes/quickstart.yaml", "--json", "--set", "train.seed=7")
    assert status == 0
    assert json.loads(out)["train"]["seed"] == 7
    assert json.loads(out)["name"] == "quickstart"


def test_list_has_a_line_each(signkit: Command) -> None:
    status, out, err = signkit("list", "--json")
    assert (status, err) == (0, "")
    known = json.loads(out)
    assert list(known) == [
        "recipes",
        "lm",
        "protocols",
        "corpora",
        "encoders",
        "contexts",
        "models",
        "losses",
        "decoders",
        "fusion",
        "tasks",
        "layouts",
    ]
    assert tuple(known["recipes"]) == names("recipes")
    assert tuple(known["lm"]) == names("lm")
    assert not any("signkit lm" in line for line in known["lm"].values())
    assert tuple(known["protocols"]) == names("eval")
    assert known["corpora"]["synthetic"].startswith("A synthetic corpus: ")
    assert all(line for group in known.values() for line in group.values())
    _, table, _ = signkit("list")
    for group in known.values():
        for name, line in group.items():
            assert [" ".join(row.split()) for row in table.splitlines()].count(f"{name} {line}") >= 1


def test_what_an_extra_brings_is_named_where_it_lacks(tmp_path: Path) -> None:
    code = "import sys\nsys.modules['torch'] = None\nfrom signkit.cli.app import main\nmain()"
    command = [sys.executable, "-c", code, "run", "quickstart"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    message = "error: signkit run: needs the package torch; pip install 'signkit[train]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert list(tmp_path.iterdir()) == []


def test_copy_never_replaces_unasked(signkit: Command, tmp_path: Path) -> None:
    content = asset("recipes", "quickstart").read_bytes()
    assert signkit("copy", "quickstart", "mine.yaml") == (0, "mine.yaml\n", "")
    assert (tmp_path / "mine.yaml").read_bytes() == content
    (tmp_path / "mine.yaml").write_text("changed")
    assert signkit("copy", "quickstart", "mine.yaml") == (
        2,
        "",
        "error: mine.yaml: exists already; --force replaces it\n",
    )
    assert (tmp_path / "mine.yaml").read_text() == "changed"
    assert signkit("copy", "quickstart", "mine.yaml", "--force")[0] == 0
    assert (tmp_path / "mine.yaml").read_bytes() == content
    assert signkit("copy", "quickstart", ".") == (0, "quickstart.yaml\n", "")
    assert signkit("copy", "quickstart", "a/b.yaml") == (2, "", "error: a/b.yaml: there is no folder a\n")
    assert signkit("copy", "mine.yaml", "mine.yaml", "--force") == (
        2,
        "",
        "error: mine.yaml: is the recipe itself\n",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml", "quickstart.yaml"]


@pytest.mark.parametrize(
    "args", [("bogus",), ("check",), ("check", "quickstart", "--bogus"), ("predict", "r", "--beam", "0")]
)
def test_wrong_usage_exits_2(signkit: Command, args: tuple[str, ...]) -> None:
    status, out, err = signkit(*args)
    assert (status, out) == (2, "")
    assert err.startswith("Usage: signkit")


def _fake(monkeypatch: pytest.MonkeyPatch, module: str, function: str, effect: object) -> list[tuple]:
    """Stand in for a verb's work; gives what it was called with."""
    calls: list[tuple] = []

    def stand_in(*args: object, **kwargs: object) -> int:
        calls.append((*args, kwargs))
        if isinstance(effect, BaseException):
            raise effect
        return int(effect)  # type: ignore[call-overload]

    fake = types.ModuleType(module)
    setattr(fake, function, stand_in)
    monkeypatch.setitem(sys.modules, module, fake)
    return calls


def test_run_passes_everything_on(signkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _fake(monkeypatch, "signkit.commands.stages", "run", 143)
    assert (
        signkit("run", "quickstart", "--set", "a.b=c", "--set", "d=e", "--resume", "auto", "--json")[0] == 143
    )
    assert signkit("run", "x.yaml")[0] == 143
    assert calls == [
        ("quickstart", ["a.b=c", "d=e"], {"resume": "auto", "as_json": True}),
        ("x.yaml", [], {"resume": "never", "as_json": False}),
    ]


def test_predict_passes_everything_on(signkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _fake(monkeypatch, "signkit.commands.predict.verb", "predict", 0)
    words = ("--on-error", "skip", "--captions", "c", "--elan", "e", "--burn", "b", "--force")
    assert signkit("predict", "runs/x", "a.npz", "b.npz", "--beam", "4", "--json", *words)[0] == 0
    assert signkit("predict", "runs/x", "--list", "files.txt")[0] == 0
    outputs = Outputs(captions=Path("c"), elan=Path("e"), burn=Path("b"), force=True)
    given = PredictOptions(beam=4, on_error="skip", outputs=outputs, as_json=True)
    assert calls == [
        (Path("runs/x"), [Path("a.npz"), Path("b.npz")], given, {}),
        (Path("runs/x"), [], PredictOptions(list_file=Path("files.txt")), {}),
    ]


def test_fetch_passes_everything_on(signkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _fake(monkeypatch, "signkit.data.fetch", "fetch", 0)
    assert signkit("data", "fetch", "boston104", "--to", "here")[0] == 0
    assert calls == [("boston104", Path("here"), False, {})]


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


LESS = "take a smaller train.batch_size or decode.batch_size, or `checkpoint: true` in an encoder of video"


@pytest.mark.parametrize(
    ("effect", "status", "message"),
    [
        (UserError("a.csv:3", "no column `id`", "add it"), 2, "error: a.csv:3: no column `id`; add it\n"),
        (OperationalError("runs/x: the disk is full"), 1, "error: runs/x: the disk is full\n"),
        (KeyError("x"), 1, "internal error: KeyError: 'x' (set SIGNKIT_TRACEBACK=1 for details)\n"),
        (
            OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has 39.39 GiB.\nSee"),
            1,
            f"error: the memory of the GPU ran out (2.50 GiB more were asked for); {LESS}\n",
        ),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 40 bytes."),
            1,
            f"error: memory ran out (40 bytes more were asked for); {LESS}\n",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            1,
            "error: a process that loads data was killed, as happens where memory runs out; "
            "take fewer train.workers\n",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that"),
            1,
            "error: a process that loads data ended with a bus error: the shared memory (/dev/shm) is full; "
            "take fewer train.workers, a smaller decode.frames_per_batch or train.batch_size, "
            "or a larger /dev/shm (`docker run --shm-size`)\n",
        ),
        (MemoryError(), 1, f"error: memory ran out; {LESS}\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_one_message_and_a_status(
    signkit: Command, monkeypatch: pytest.MonkeyPatch, effect: BaseException, status: int, message: str
) -> None:
    monkeypatch.delenv("SIGNKIT_TRACEBACK", raising=False)
    _fake(monkeypatch, "signkit.commands.stages", "run", effect)
    assert signkit("run", "quickstart") == (status, "", message)


def test_the_traceback_is_there_when_asked_for(signkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNKIT_TRACEBACK", "1")
    _fake(monkeypatch, "signkit.commands.stages", "run", KeyError("x"))
    _, _, err = signkit("run", "quickstart")
    assert err.startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize(
    ("args", "status", "imported"),
    [
        (("--help",), 0, []),
        (("--version",), 0, []),
        (("check", "--help"), 0, []),
        (("check", "quickstart"), 0, ["yaml"]),
        (("check", "quickstart", "--set", "a=b"), 2, ["yaml"]),
        (("show", "quickstart"), 0, ["yaml"]),
        (("list", "--json"), 0, ["yaml"]),
        (("list",), 0, ["rich", "yaml"]),
    ],
)
def test_verbs_about_recipes_do_not_import_torch(
    args: tuple[str, ...], status: int, imported: list[str]
) -> None:
    result = subprocess_run(CODE, *args)
    assert result.returncode == status
    assert result.stdout.splitlines()[-1] == str(imported)


def test_a_reader_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "signkit", "show", "quickstart"]
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write_end)
    assert (result.returncode, result.stderr) == (1, "")


def test_ctrl_c_exits_130_without_a_word() -> None:
    code = "import os, signal, sys; import signkit.commands.recipes as verbs\n"
    code += f"verbs.check_recipe = lambda *_: os.kill(os.getpid(), {int(signal.SIGINT)})\n"
    result = subprocess_run(code + "from signkit.cli.app import main; main()", "check", "quickstart")
    assert (result.returncode, result.stderr) == (130, "")


def test_the_checkouts_own_script_is_the_command() -> None:
    script = Path(__file__).resolve().parents[2] / "cli.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) == 4
    result = subprocess.run([sys.executable, script, "--version"], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"signkit {__version__}\n", "")
