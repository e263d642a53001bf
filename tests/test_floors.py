"""The floors of the house: what may import what. Read from the imports themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("memory", "agent", "api", "assistants", "server")
"""From the ground up; each imports from those below it only."""

OUTSIDE = {"tests", "benchmarks", "web", "deploy", "docs", "data", "node_modules"}
"""Not a part of the house."""

WITHOUT_SETTINGS = ("memory", "agent", "api", "assistants")
ABOVE_SETTINGS = {"server.py", "session_demo.py"}
"""The programs: they read the settings and hand down values."""


@dataclass(frozen=True)
class Import:
    """``path`` (from the root) imports ``module`` at ``line``."""

    path: str
    line: int
    module: str

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def floor(self) -> str:
        """The floor that the importing file stands on: its folder, or its own name in the root."""
        return Path(self.path).parts[0].removesuffix(".py")

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


def sources() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        if not parts[0].startswith(".") and parts[0] not in OUTSIDE:
            yield path


def imports_of(path: Path) -> Iterator[Import]:
    name = path.relative_to(ROOT).as_posix()
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(), name)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield Import(name, node.lineno, module)
            for alias in node.names:  # from memory import history
                yield Import(name, node.lineno, f"{module}.{alias.name}")
        elif isinstance(node, ast.Call) and _name(node.func).rpartition(".")[2] in ("import_module", "__import__"):
            yield from (Import(name, node.lineno, text) for text in _literal(node))


def _literal(call: ast.Call) -> Iterator[str]:
    """The module that is imported by name; of an f-string, what stands in front of its first hole."""
    argument = call.args[0] if call.args else None
    if isinstance(argument, ast.JoinedStr) and argument.values:
        argument = argument.values[0] if isinstance(argument.values[0], ast.Constant) else None
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value.rstrip(".")


def _name(node: ast.expr) -> str:
    """``os.environ.get`` of the expression, '' where it is no dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return ""


IMPORTS = [each for path in sources() for each in imports_of(path)]


def the_wrong(imports: list[Import]) -> str:
    return "\n".join(map(str, imports))


def upwards(imports: list[Import]) -> list[Import]:
    return [
        each
        for each in imports
        if each.floor in FLOORS and each.top in FLOORS and FLOORS.index(each.top) > FLOORS.index(each.floor)
    ]


def test_no_floor_imports_from_above() -> None:
    assert not the_wrong(upwards(IMPORTS))


def test_the_floors_are_where_they_are_looked_for() -> None:
    """A renamed folder must not make the other tests pass by having nothing to read."""
    assert {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in sources()} >= set(FLOORS)
    assert any(each.floor == "api" and each.top == "memory" for each in IMPORTS)
    assert any(each.path == "server.py" and each.top == "settings" for each in IMPORTS)


def test_an_import_from_above_would_be_found() -> None:
    wrong = Import("agent/models.py", 7, "assistants.news")
    assert upwards([*IMPORTS, wrong]) == [wrong]
    assert str(wrong) == "agent/models.py:7 imports assistants.news"


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import api.app as app, os", {"api.app", "os"}),
        ("from api import app", {"api", "api.app"}),
        ("def late():\n    from assistants.news import tools", {"assistants.news", "assistants.news.tools"}),
        ("from .. import history", {"memory", "memory.history"}),
        ("from .redis import store", {"memory.stores.redis", "memory.stores.redis.store"}),
        ("import importlib\nimportlib.import_module('api.app')", {"importlib", "api.app"}),
        ("import importlib as late\nlate.import_module(f'memory.{name}')", {"importlib", "memory"}),
    ],
)
def test_every_way_to_import_is_read(
    code: str, modules: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.test_floors.ROOT", tmp_path)
    path = tmp_path / "memory" / "stores" / "some.py"
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert {each.module for each in imports_of(path)} == modules


def test_settings_are_read_by_the_programs_only() -> None:
    wrong = [each for each in IMPORTS if each.top == "settings" and each.path not in ABOVE_SETTINGS]
    assert not the_wrong(wrong)


def test_assistants_do_not_know_each_other() -> None:
    """``rm -r assistants/news`` leaves everything else working."""
    wrong = []
    for each in IMPORTS:
        if each.module.startswith("assistants."):
            named = each.module.split(".")[1]
            folder = ROOT / "assistants" / named
            own = each.path.startswith(f"assistants/{named}/")
            if folder.is_dir() and not own:
                wrong.append(each)
    assert not the_wrong(wrong)


def test_memory_is_usable_on_its_own() -> None:
    foreign = {"flask", "agent", "api", "assistants", "server", "settings", "werkzeug", "pydantic"}
    assert not the_wrong([each for each in IMPORTS if each.floor == "memory" and each.top in foreign])


def test_under_memory_langchain_is_imported_in_two_files_only() -> None:
    allowed = {"memory/history.py", "memory/legacy.py"}
    wrong = [
        each
        for each in IMPORTS
        if each.floor == "memory" and re.match(r"lang(chain|graph|smith)", each.top) and each.path not in allowed
    ]
    assert not the_wrong(wrong)


def test_langchain_community_is_imported_in_one_file() -> None:
    assert len({each.path for each in IMPORTS if each.top == "langchain_community"}) <= 1


def test_importing_memory_imports_no_framework() -> None:
    """In a fresh interpreter: LangChain alone would be a second of every start."""

    program = "import sys, memory; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(told.stdout.split())
    assert {"memory", "redis"} <= loaded
    assert loaded.isdisjoint({"langchain", "langchain_core", "langgraph", "flask", "pydantic", "sqlalchemy", "numpy"})


READERS = ("os.environ", "os.environb", "os.getenv", "load_dotenv", "dotenv.load_dotenv", "dotenv_values")


def environment_reads(path: Path) -> Iterator[str]:
    """Where the environment is read. ``os.environ.setdefault``, which tells a library something, is no reading."""
    tree = ast.parse(path.read_text(), str(path))
    writes = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "setdefault"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            read = [alias.name for alias in node.names if f"os.{alias.name}" in READERS]
        elif isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in writes:
            read = [name] if (name := _name(node)) in READERS else []
        else:
            continue
        yield from (
            f"{path.relative_to(ROOT).as_posix()}:{node.lineno} reads the environment ({name})" for name in read
        )


def test_only_settings_read_the_environment() -> None:
    read = {path.relative_to(ROOT).as_posix(): list(environment_reads(path)) for path in sources()}
    assert read["settings.py"], "the one place that reads it"
    wrong = [line for path, lines in read.items() if path != "settings.py" for line in lines]
    assert not "\n".join(wrong)
