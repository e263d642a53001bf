"""``docs/api.md`` lists what the server serves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.registry import find

ROOT = Path(__file__).resolve().parents[2]


FACES = {"chat", "junkjet", "news", "shopping", "weather"}


@pytest.mark.skipif(not set(find()) >= FACES, reason="the page lists assistants that are not here")
def test_the_page_of_the_api_is_up_to_date() -> None:
    ran = subprocess.run([sys.executable, "docs/api_page.py", "--check"], cwd=ROOT, capture_output=True, timeout=120)

    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
