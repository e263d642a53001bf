"""An assistant is a folder that one may delete: whatever else is there goes on working, the tests included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(path.parent.name for path in (ROOT / "assistants").glob("*/__init__.py"))
NOT_THE_PROJECT = {"__pycache__", "node_modules", "data", "backups"}

SERVE = """
import sys
import server, settings
from api import create_app

environ = {"REDIS_URL": "memory://", "DATA_DIR": "data", "DEFAULT_ASSISTANT": sys.argv[1]}
services = server.build(settings.load(environ, dotenv=None))
client = create_app(services).test_client()
services.start()
for name in services.registry:
    reply = client.post("/chat", json={"message": "Hello", "userId": "ada", "assistant": name})
    assert (reply.status_code, bool(reply.json["response"])) == (200, True), reply.text
print(*services.registry)
services.close(5)
"""

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
QUICK = (
    "test_chat_arithmetic or test_junkjet_profile or test_news_questions or test_shopping_search or test_weather_when"
)


@pytest.fixture
def without(tmp_path: Path) -> Callable[[str], Path]:
    """Copies the project and deletes an assistant of the copy; returns where it is."""

    def make(name: str) -> Path:
        copy = tmp_path / "project"
        shutil.copytree(ROOT, copy, ignore=_rest)
        shutil.rmtree(copy / "assistants" / name)
        return copy

    return make


def _rest(folder: str, names: list[str]) -> set[str]:
    """What is no part of the project: what was made by using it, and what begins with a dot."""
    top = Path(folder) == ROOT
    return {
        name
        for name in names
        if (name in NOT_THE_PROJECT and (top or name != "data")) or (name.startswith(".") and name != ".env.example")
    }


def run(project: Path, *arguments: str) -> str:
    """What a Python program of the copy says; a failure of it is one of the test."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_server_serves_the_others_without_it(name: str, without: Callable[[str], Path]) -> None:
    others = [each for each in NAMES if each != name]
    served = run(without(name), "-c", SERVE, others[0])
    assert served.split() == others


@pytest.mark.parametrize("name", NAMES[:1])  # the others in the slow test
def test_its_own_tests_are_left_out_and_the_others_pass(name: str, without: Callable[[str], Path]) -> None:
    tested = run(without(name), *PYTEST, "--assert=plain", "tests/assistants", "-k", QUICK)
    assert " passed" in tested


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_whole_suite_does_without_it(name: str, without: Callable[[str], Path]) -> None:
    ignored = ("--ignore=tests/ops", f"--ignore=tests/{Path(__file__).name}")
    tested = run(without(name), *PYTEST, *ignored)
    assert " passed" in tested
