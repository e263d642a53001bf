"""What is imported is required, what is required is pinned and explained."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.glob("**/*.py")))}
FILES = ["requirements", "requirements-dev"]


def wanted(name: str) -> set[str]:
    """The packages of a .in file, without extras and bounds."""
    return listed(ROOT / f"{name}.in")


def listed(file: Path) -> set[str]:
    return {found[0] for line in file.read_text().splitlines() if (found := re.match(r"[a-z][a-z0-9-]*", line))}


def pins(name: str) -> dict[str, set[str]]:
    """Package to versions (more than one where they differ by Python) of a .txt file."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (ROOT / f"{name}.txt").read_text()):
        found.setdefault(package, set()).add(version)
    return found


def unknown(files: Iterator[Path], known: set[str]) -> dict[str, Path]:
    """Modules of other people that are imported and come from none of the known packages, with a file that does so."""
    distributions = packages_distributions()
    found: dict[str, Path] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.partition(".")[0] for name in names} - OWN - sys.stdlib_module_names:
                packages = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions.get(top, [top])}
                if not packages & known:
                    found[top] = file.relative_to(ROOT)
    return found


def sources(*, tests: bool) -> Iterator[Path]:
    for file in ROOT.glob("**/*.py"):
        parts = file.relative_to(ROOT).parts
        aside = parts[0] in ("tests", "benchmarks")
        if not parts[0].startswith(".") and "node_modules" not in parts and aside == tests:
            yield file


def test_the_server_imports_only_what_it_requires() -> None:
    assert unknown(sources(tests=False), wanted(FILES[0])) == {}


def test_tests_and_benchmarks_import_only_what_is_required() -> None:
    peers = listed(ROOT / "benchmarks" / "requirements.txt")
    assert unknown(sources(tests=True), wanted(FILES[0]) | wanted(FILES[1]) | pins(FILES[0]).keys() | peers) == {}


@pytest.mark.parametrize("name", FILES)
def test_what_is_required_is_pinned_with_hashes(name: str) -> None:
    assert wanted(name) <= pins(name).keys()
    for entry in re.split(r"(?m)^(?=\w)", (ROOT / f"{name}.txt").read_text())[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_server_and_tests_agree_on_versions() -> None:
    server, tests = pins(FILES[0]), pins(FILES[1])
    assert {name: tests[name] for name in tests.keys() & server.keys()} == {
        name: server[name] for name in tests.keys() & server.keys()
    }


@pytest.mark.parametrize("name", FILES)
def test_the_pins_name_no_registry_and_no_folder(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text.replace("--no-emit-index-url", "")
    assert re.search(r"(?m)(^|\s)/\w", text) is None
    assert "uv pip compile --universal" in text.splitlines()[1]


def test_what_is_required_is_explained() -> None:
    rows = re.findall(r"(?m)^\| ([a-z][a-z0-9, -]*) \|", (ROOT / "docs/dependencies.md").read_text())
    explained = {name for row in rows for name in row.split(", ")}
    for name in FILES:
        assert wanted(name) - explained == set()
