"""What `signkit live`, `landmarks`, `export` and `predict` ask of the network: every system call, by strace.

    python benchmarks/no_network.py VIDEO [--export EXPORTED]

The page of `signkit live` is fetched once, as a browser does. Nothing may be connected to, or sent to, but
127.0.0.1, and no name looked up. Exit status 1 if something is.
"""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

CALL = re.compile(r"(\w+)\(.*?sa_family=(AF_\w+)(.*)")
HERE = ("127.0.0.1", "::1")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("--export", type=Path, help="an exported model; by default hand_letters is exported")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        exported = options.export or Path(folder) / "exported"
        commands = {
            "export": ["export", "hand_letters", str(Path(folder) / "exported")],
            "export --to web": ["export", "hand_letters", str(Path(folder) / "site"), "--to", "web"],
            "landmarks": ["landmarks", str(options.video), "--out", str(Path(folder) / "points")],
            "live": ["live", str(exported), "--port", "0"],
            "predict": ["predict", str(exported), str(options.video)],
            "live --video": ["live", str(exported), "--video", str(options.video)],
        }
        found = {name: traced(words, Path(folder) / "strace.txt") for name, words in commands.items()}
    for name, (status, calls, strange) in found.items():
        print(f"{name}: exit status {status}, {calls} calls, elsewhere: {strange or 'none'}")
    return int(
        any(strange or status not in (0, -signal.SIGINT, 130) for status, _, strange in found.values())
    )


def traced(words: list[str], file: Path) -> tuple[int, int, list[str]]:
    """The exit status of a command, the network's calls it made, and those that are not of this machine."""
    command = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(file), sys.executable, "-m", "signkit"]
    serves = words[0] == "live" and "--video" not in words
    with subprocess.Popen(
        [*command, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        if serves:
            url = process.stdout.readline().strip()
            for name in ("", "files.json", "js/app.js", "model/model.json", "model/model.onnx"):
                urllib.request.urlopen(url + name).read()
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            subprocess.run(["kill", "-INT", *children], check=True)
        process.stdout.read()
        status = process.wait()
    lines = file.read_text(encoding="utf-8").splitlines()
    calls = [match for line in lines if (match := CALL.search(line))]
    strange = [
        match[0] for match in calls if match[2].startswith("AF_INET") and not any(h in match[3] for h in HERE)
    ]
    return status, len(lines), strange


if __name__ == "__main__":
    raise SystemExit(main())
