"""Which of these tests can be run with the assistants that are there."""

from __future__ import annotations

from pathlib import Path

_ASSISTANTS = Path(__file__).parents[2] / "assistants"
_FIVE = ("chat", "junkjet", "news", "shopping", "weather")
collect_ignore_glob: list[str] = []
if not all((_ASSISTANTS / name).is_dir() for name in _FIVE):
    collect_ignore_glob = ["test_injection.py"]  # orders are given to each of the five
