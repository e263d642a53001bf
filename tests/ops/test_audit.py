"""``make audit`` tells flaws from none, and none from not having been able to ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.advisories import Advisories
from tests.processes import program

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("web", "tests/sdk")


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    """Two small packages of each kind, pinned as ours are."""
    program("npm")
    (tmp_path / "requirements.txt").write_text("flask==3.1.3 --hash=sha256:" + "0" * 64 + "\n")
    (tmp_path / "requirements-dev.txt").write_text("pytest==9.0.0 --hash=sha256:" + "0" * 64 + "\n")
    for folder in LOCKS:
        (tmp_path / folder).mkdir(parents=True)
        package = {"name": "page", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}
        installed = {"version": "1.3.0", "integrity": "sha512-" + "A" * 86 + "=="}
        lock = {"lockfileVersion": 3, "packages": {"": package, "node_modules/left-pad": installed}}
        (tmp_path / folder / "package.json").write_text(json.dumps(package))
        (tmp_path / folder / "package-lock.json").write_text(json.dumps({**package, **lock}))
    return tmp_path


def audit(root: Path, url: str) -> tuple[int, list[str]]:
    """Its exit code and the lines that it writes."""
    command = [sys.executable, str(ROOT / "deploy/audit.py"), "--root", str(root), "--osv-url", f"{url}/v1/query"]
    env = {**os.environ, "npm_config_registry": url, "npm_config_cache": str(root / "cache")}
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.splitlines()


def test_where_nothing_is_known_against_anything_it_says_so(pinned: Path) -> None:
    with Advisories() as advisories:
        code, lines = audit(pinned, advisories.url)

    assert (code, len(lines)) == (0, 4)
    assert all("no packages with known vulnerabilities" in line for line in lines)
    assert {"flask", "pytest", "left-pad"} <= advisories.asked


def test_a_flaw_fails_it_and_is_named(pinned: Path) -> None:
    with Advisories("flask", "left-pad") as advisories:
        code, lines = audit(pinned, advisories.url)

    assert code == 1
    assert "  flask 3.1.3: PYSEC-2099-1; mended in 99.0" in lines
    assert any(line.startswith("  left-pad (high): It is bad") for line in lines)


def test_services_that_do_not_answer_fail_it_and_are_no_clean_result(pinned: Path) -> None:
    with Advisories(answers=False) as advisories:
        code, lines = audit(pinned, advisories.url)

    assert code == 2
    assert len(lines) == 4
    assert all("NOT AUDITED, so nothing is known" in line for line in lines)


@pytest.mark.parametrize("folder", LOCKS)
def test_the_pages_packages_are_pinned_with_hashes_and_name_no_registry(folder: str) -> None:
    text = (ROOT / folder / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}

    assert packages
    assert [name for name, each in packages.items() if not each.get("integrity", "").startswith("sha512-")] == []
    assert '"resolved"' not in text
