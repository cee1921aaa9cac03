"""The README does what it says: each of its blocks is run, in order, in a copy of the project, offline.

- ``sh`` blocks are run by bash; they must end with exit code 0.
- ``console`` blocks are sessions: each ``$`` line is run, and what it printed must be what stands below it. Times, run ids
  and sizes may differ; ``…`` on a line of its own stands for any number of lines.
  With ``--update-golden`` a session that has changed is written anew: read it before you commit it.
- ``python``, ``toml`` and ``json`` blocks whose first line is a comment with a path are written to that file.
- ``text`` blocks are not run: what needs the public internet, or another machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COPIED = ("crawlers", "schemas", "scrapy.cfg", "pyproject.toml", "uv.lock", "Makefile", "README.md", "LICENSE")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIES = (
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "<run>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| UTC)?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? (s|ms|[kKMG]?B)\b"), "<size>"),
    (re.compile(r"\s+"), " "),
)
# A reader has none of these; a make below another make would print "Entering directory".
_NOT_A_READERS = {"DATA_DIR", "DATABASE_URL", "EXPORTS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}


@dataclass
class Block:
    kind: str
    text: str
    line: int


def blocks() -> list[Block]:
    return [Block(m[1], m[2], README[: m.start()].count("\n") + 1) for m in _BLOCK.finditer(README)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, with this environment as its ``.venv``, as if ``make`` had installed it."""
    folder = tmp_path_factory.mktemp("readme") / "gristmill"
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    venv = folder / ".venv"
    venv.mkdir()
    (venv / "bin").symlink_to(Path(sys.executable).parent)
    for stamp in ("installed", "installed-dev", "installed-bench"):
        (venv / stamp).touch()
    return folder


def run(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_A_READERS}
    environment |= {
        "PYTHONPATH": str(project),
        "PATH": f"{project / '.venv/bin'}:{os.environ['PATH']}",
        "COLUMNS": "160",
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=project, env=environment, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip


def plain(line: str) -> str:
    for pattern, instead in _VARIES:
        line = pattern.sub(instead, line)
    return line.strip()


def matches(expected: list[str], got: list[str]) -> bool:
    """Whether *got* is *expected*, with ``…`` for any number of lines."""
    if not expected:
        return not got
    if expected[0] == "…":
        return any(matches(expected[1:], got[skip:]) for skip in range(len(got) + 1))
    return bool(got) and expected[0] == got[0] and matches(expected[1:], got[1:])


def session(text: str) -> list[tuple[str, list[str]]]:
    """Command and expected lines."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def write(project: Path, block: Block) -> None:
    match = re.match(r"(?:#|//) (\S+\.\w+)", block.text)
    if match is not None:
        path = project / match[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text.partition("\n")[2] if path.suffix == ".json" else block.text, encoding="utf-8")


def rewrite(command: str, output: str) -> None:
    """Put what *command* printed now into the README, in the place of what stands there."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    start = text.index(f"\n$ {command}\n") + len(f"\n$ {command}\n")
    end = min(place for mark in ("\n```", "\n$ ") if (place := text.find(mark, start)) >= 0)
    path.write_text(text[:start] + output.strip("\n") + text[end:], encoding="utf-8")


@pytest.mark.timeout(600)
def test_every_block_does_what_it_says(project, request):
    update = request.config.getoption("--update-golden", default=False)
    for block in blocks():
        where = f"README.md, block at line {block.line}"
        if block.kind == "sh":
            done = run(project, block.text)
            assert done.returncode == 0, f"{where}\n{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        elif block.kind == "console":
            for command, expected in session(block.text):
                done = run(project, command)
                got = [line for line in map(plain, done.stdout.splitlines()) if line]
                wanted = [line for line in map(plain, expected) if line]
                if not matches(wanted, got) and update:
                    rewrite(command, done.stdout)
                    continue
                assert matches(wanted, got), f"{where}: $ {command}\n{done.stdout}\n{done.stderr[-3000:]}"
        else:
            write(project, block)


def test_every_block_says_what_it_is():
    assert {block.kind for block in blocks()} <= {"sh", "console", "python", "toml", "json", "text"}


def test_blocks_that_are_not_run_hold_no_secret_session():
    """A ``text`` block is for what cannot be run offline: it names a public host, a server, or no command at all."""
    for block in blocks():
        if block.kind == "text" and re.search(r"^\s*(\$ |scrapy |make )", block.text, re.MULTILINE):
            assert re.search(r"https?://|postgresql", block.text), block


def test_a_session_with_its_output_stands_in_the_first_thirty_lines():
    assert any(block.kind == "console" and block.line <= 30 and len(block.text.splitlines()) > 5 for block in blocks())


def test_every_setting_that_is_named_exists():
    from scrapy.settings import default_settings

    from crawlers import settings

    named = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`", README))
    assert named <= {*dir(settings), *dir(default_settings)}


def test_every_command_that_is_named_exists():
    commands = {path.stem for path in (ROOT / "crawlers/commands").glob("*.py")}
    named = set(re.findall(r"\bscrapy ([a-z]+)\b", README))
    assert named <= commands | {"genspider", "startproject", "list", "shell"}


def test_every_source_is_named_and_every_named_one_exists():
    table = README.partition("| source |")[2].partition("\n\n")[0]
    named = {name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == {path.stem for path in (ROOT / "crawlers/spiders").glob("*.py")} - {"__init__"}


def test_every_path_that_is_named_exists():
    named = set(re.findall(r"`((?:crawlers|schemas|tests|\.ci)/[\w./-]*)`", README))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (["a"], ["a"], True), (["a", "…"], ["a", "b", "c"], True), (["…", "c"], ["a", "b", "c"], True),
        (["a"], ["a", "b"], False), (["…", "d"], ["a"], False), ([], [], True), (["…"], [], True),
    ],
)  # fmt: skip
def test_an_ellipsis_stands_for_any_lines(expected, got, same):
    assert matches(expected, got) is same


def test_what_varies_is_not_compared():
    assert plain("took 1.23 s, run 20261124T083301Z-1a2b3c") == plain("took 99 s,  run 20991124T083301Z-abcdef")
