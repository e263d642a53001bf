"""`process-manager.sh setup`: what is missing is made, what is broken is mended, what cannot be had is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ops.checkout import Checkout


def make_program(file: Path, lines: str) -> str:
    """A program in shell; returns the folder it is in."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)
    return str(file.parent)


def test_setup_makes_what_is_missing_and_mends_what_is_broken(stand_in: Checkout) -> None:
    shutil.rmtree(stand_in.folder / ".venv")
    (stand_in.folder / "requirements.txt").write_text("# nothing\n")

    first = stand_in.run("setup")
    assert first.returncode == 0, first.stderr
    assert "Installing what requirements.txt pins" in first.stdout
    assert (stand_in.folder / ".venv/bin/python").exists()
    assert stand_in.run("setup").stdout == ""

    (stand_in.folder / "requirements.txt").write_text("# nothing either\n")
    assert "Installing" in stand_in.run("setup").stdout

    (stand_in.folder / ".venv/bin/python").unlink()
    mended = stand_in.run("setup")
    assert "does not work any more" in mended.stdout
    assert "Installing" in mended.stdout
    assert mended.returncode == 0


def test_packages_that_cannot_be_installed_stop_the_start(stand_in: Checkout) -> None:
    # A hash that no file has; nothing is asked of a registry for a file that is here.
    wheel = stand_in.folder / "broken-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not what was pinned")
    line = f"broken @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n"
    (stand_in.folder / "requirements.txt").write_text(line)

    started = stand_in.run("start", "--no-redis")

    assert started.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in started.stderr
    assert "The packages of requirements.txt could not be installed" in started.stderr
    assert not stand_in.file("server.pid").exists()


def test_without_a_python_it_says_what_to_install(stand_in: Checkout, without: Callable[..., str]) -> None:
    shutil.rmtree(stand_in.folder / ".venv")
    environment = {"PATH": without("python*", "apt-get")}
    result = stand_in.run("setup", environment=environment)
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed. On Debian or Ubuntu: apt-get install python3 python3-venv" in result.stderr


def test_without_the_venv_module_it_says_what_to_install(
    stand_in: Checkout, without: Callable[..., str], tmp_path: Path
) -> None:
    shutil.rmtree(stand_in.folder / ".venv")
    # Debian's python3 without python3-venv.
    make_program(
        tmp_path / "bare" / "python3", f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"'
    )
    environment = {"PATH": without("apt-get"), "PYTHON": str(tmp_path / "bare" / "python3")}
    result = stand_in.run("setup", environment=environment)
    assert result.returncode == 1
    assert "venv module is incomplete. On Debian or Ubuntu: apt-get install python3 python3-venv" in result.stderr


@pytest.fixture
def page(stand_in: Checkout) -> Path:
    """The sources of a page, a minute old."""
    folder = stand_in.folder / "web"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    minute_ago = time.time() - 60
    os.utime(folder / "package.json", (minute_ago, minute_ago))
    return folder


def npm(stand_in: Checkout, tmp_path: Path, lines: str) -> None:
    folder = make_program(tmp_path / "node" / "npm", f'echo "$@" >>"{tmp_path}/calls"\n{lines}')
    stand_in.environment["PATH"] = f"{folder}:{stand_in.environment['PATH']}"


def test_the_page_is_built_when_its_sources_are_newer(stand_in: Checkout, page: Path, tmp_path: Path) -> None:
    npm(stand_in, tmp_path, '[ "$1" = ci ] || { mkdir -p dist && echo hello >dist/index.html; }')

    assert "Building the page." in stand_in.run("setup").stdout
    assert (tmp_path / "calls").read_text() == "ci --no-audit --no-fund\nrun build\n"
    assert stand_in.run("setup").stdout == ""

    minute_ahead = time.time() + 60
    os.utime(page / "package.json", (minute_ahead, minute_ahead))
    assert "Building the page." in stand_in.run("setup").stdout


def test_a_page_that_cannot_be_built_is_a_warning_once(stand_in: Checkout, page: Path, tmp_path: Path) -> None:
    npm(stand_in, tmp_path, "echo no such package; exit 1")

    started = stand_in.run("start", "--no-redis")
    assert started.returncode == 0
    assert "the API works without it" in started.stderr
    assert "no such package" in started.stderr

    stand_in.run("stop")
    assert stand_in.run("start", "--no-redis").stderr == ""
    assert "could not be built" in stand_in.run("setup").stderr


@pytest.mark.slow
def test_setup_installs_every_pin_into_a_new_environment(stand_in: Checkout) -> None:
    shutil.rmtree(stand_in.folder / ".venv")

    result = stand_in.run("setup", "--dev", seconds=900, environment=dict(os.environ))

    assert result.returncode == 0, result.stderr
    python = stand_in.folder / ".venv/bin/python"
    subprocess.run([python, "-m", "pip", "check"], check=True)
    subprocess.run([python, "-c", "import flask, langchain, langchain_openai, redis, pytest, mypy"], check=True)
