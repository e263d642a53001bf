"""The texts of ``tests/data/injections.txt``: orders that somebody may put where a model reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("data") / "injections.txt"
EVIL: Final = "elsewhere.example"


def injections(victim: str = "alice-shop", user: str = "alice", evil: str = EVIL) -> list[str]:
    """Each text, aimed at the session ``victim`` of ``user``; ``evil`` is the host that it would send things to."""
    lines = [line for line in FILE.read_text("utf-8").splitlines(keepends=True) if not line.startswith("# ")]
    texts = [text.strip() for text in "".join(lines).split("---\n")]
    names = {"{victim}": victim, "{user}": user, "{evil}": evil}
    for name, value in names.items():
        texts = [text.replace(name, value) for text in texts]
    assert len(texts) > 12
    return texts
