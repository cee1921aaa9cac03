"""The house rules that a linter does not know: who may import whom, how long things are, what carries which name."""

from __future__ import annotations

import ast
import inspect
import tomllib
from functools import cache
from pathlib import Path

import pytest
from scrapy.settings import default_settings
from scrapy.utils.misc import load_object

from crawlers import settings
from crawlers.flow import settings_of

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "crawlers"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = (
    "annotation", "commands", "datasets", "exporters", "extensions", "extractors", "ledger", "middlewares", "pipelines",
    "server", "sources", "spiders",
)  # fmt: skip
MAX_LINES, MAX_FUNCTION = 400, 50

# Who must not be imported by whom. Keys are a room, or "" for the modules beside the rooms that all rooms stand on.
FORBIDDEN = {
    "extractors": {*ROOMS} - {"extractors"},
    "sources": {"spiders", "pipelines", "exporters", "extensions", "annotation", "datasets"},
    "spiders": {"pipelines", "exporters", "extensions", "ledger", "annotation", "datasets"},
    "pipelines": {"spiders", "sources", "extensions", "exporters", "annotation", "datasets"},
    "exporters": {"spiders", "sources", "extensions", "pipelines", "middlewares"},
    "ledger": {"spiders", "sources", "pipelines", "exporters", "extensions", "extractors", "annotation", "datasets"},
    "middlewares": {"spiders", "sources", "exporters", "extensions", "annotation", "datasets"},
    "extensions": {"spiders", "sources"},
}
FOUNDATION = ("items", "errors", "hashing", "schemas", "files")
WITHOUT_SCRAPY = ("extractors", "exporters", "annotation", "datasets")


def dotted(path: Path) -> str:
    """crawlers/pipelines/clean.py -> crawlers.pipelines.clean"""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str:
    """crawlers.pipelines.clean -> pipelines; crawlers.items -> (nothing)"""
    part = ([*module.split("."), ""])[1]
    return part if part in ROOMS else ""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Every module that *path* imports, wherever in the file."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


modules = pytest.mark.parametrize("path", MODULES, ids=by_name)


@modules
def test_imports_run_one_way(path):
    mine = room(dotted(path))
    forbidden = FORBIDDEN.get(mine, set()) | ({"commands", "server"} - {mine})
    wrong = {module for module in imports(path) if module.startswith("crawlers.") and room(module) in forbidden}
    assert not wrong


@pytest.mark.parametrize("name", FOUNDATION)
def test_the_foundation_stands_on_no_room(name):
    path = PACKAGE / f"{name}.py"
    assert not {module for module in imports(path) if module.startswith("crawlers.") and room(module)}


@modules
def test_some_rooms_do_not_know_scrapy(path):
    if room(dotted(path)) not in WITHOUT_SCRAPY:
        return
    assert not {module for module in imports(path) if module.partition(".")[0] in {"scrapy", "twisted"}}


@modules
def test_no_relative_imports(path):
    assert not [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom) and node.level]


@modules
def test_a_module_has_one_subject(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert path.stem not in {"utils", "core", "common", "helpers", "misc"}
    assert path.parent.name not in {"utils", "core", "common", "helpers"}


@modules
def test_functions_are_short(path):
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= MAX_FUNCTION
    ]
    assert not long


@modules
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(tree(path))


@modules
def test_only_commands_print(path):
    if room(dotted(path)) == "commands":
        return
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert "print" not in {call.func.id for call in calls}


@modules
def test_nothing_of_the_workshop_is_left(path):
    text = path.read_text(encoding="utf-8")
    for word in ("TODO", "FIXME", "XXX", f"{Path.home()}/", f"{ROOT}/"):
        assert word not in text


# --- settings and components ----------------------------------------------------------------------------------------

OF_SCRAPY = {name for name in dir(default_settings) if name.isupper()} | {"ADDONS", "CLOSESPIDER_TIMEOUT"}
LISTS = ("ITEM_PIPELINES", "DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS", "DOWNLOAD_HANDLERS")


def components() -> list[str]:
    """Paths of our own components that settings.py switches on."""
    found = {settings.SCHEDULER: 0}
    for name in LISTS:
        entries = getattr(settings, name)
        found |= dict.fromkeys(
            entries.values() if name == "DOWNLOAD_HANDLERS" else [k for k, v in entries.items() if v is not None]
        )
    return sorted(path for path in found if path and path.startswith("crawlers."))


def test_every_setting_of_ours_is_documented():
    body = tree(PACKAGE / "settings.py").body
    bare = []
    for node, after in zip(body, [*body[1:], None], strict=True):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        name = getattr(target, "id", "")
        if not name.isupper() or name in OF_SCRAPY:
            continue
        if not (
            isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        ):
            bare.append(name)
    assert bare == []


@pytest.mark.parametrize("path", components())
def test_a_component_names_its_settings_and_stats(path):
    text = inspect.getdoc(load_object(path)) or ""
    assert "Settings:" in text
    assert "Stats:" in text


@pytest.mark.parametrize("path", components())
def test_a_component_names_settings_that_exist(path):
    cls = load_object(path)
    known = OF_SCRAPY | {name for name in dir(settings) if name.isupper()}
    if "Settings:" in (inspect.getdoc(cls) or ""):
        assert {name for name in settings_of(cls) if not name.startswith("GRISTMILL_")} <= known


# --- names ----------------------------------------------------------------------------------------------------------


def spiders() -> set[str]:
    return {path.stem for path in (PACKAGE / "spiders").iterdir() if path.suffix in {".py", ".toml"}} - {"__init__"}


def test_a_spider_is_named_like_its_file():
    for path in (PACKAGE / "spiders").glob("*.py"):
        names = [
            node.value.value
            for cls in tree(path).body
            if isinstance(cls, ast.ClassDef)
            for node in cls.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "name"
        ]
        assert names == ([] if path.stem == "__init__" else [path.stem])


def test_a_source_schema_belongs_to_a_spider():
    assert {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas/sources").glob("*.json")} <= spiders()


def test_a_golden_folder_belongs_to_a_spider():
    golden = ROOT / "tests/golden"
    assert {path.name for path in golden.iterdir() if path.is_dir()} <= spiders()


def test_tests_mirror_the_package():
    """Each folder of tests that bears the name of a room holds tests of that room's modules."""
    folders = [ROOT / "tests" / name for name in (*ROOMS, "report") if (ROOT / "tests" / name).is_dir()]
    assert folders
    for folder in folders:
        assert (PACKAGE / folder.name).is_dir()


def test_no_other_folder_is_in_sight():
    allowed = {"crawlers", "schemas", "tests", "data", "dist", "build"}
    assert {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} <= allowed


# --- what is installed ----------------------------------------------------------------------------------------------


def test_the_lock_has_no_torch():
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    names = {package["name"] for package in lock["package"]}
    assert not names & {"torch", "torchvision", "tensorflow", "jax"}
    assert not {name for name in names if name.startswith("nvidia-")}


def test_the_command_line_of_the_project_and_of_others_is_the_same():
    """COMMANDS_MODULE and the entry points name the same commands, but for genspider, which writes our kinds of spider."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["project"]["entry-points"]["scrapy.commands"]
    assert {path.stem for path in (PACKAGE / "commands").glob("*.py")} - {"__init__", "genspider"} == set(named)
    for name, path in named.items():
        assert path == f"crawlers.commands.{name}:Command"
