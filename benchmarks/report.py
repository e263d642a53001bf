"""Writes the results of the last whole runs into ``docs/performance.md``, and draws their plots anew.

    python -m benchmarks.report          write
    python -m benchmarks.report --check  exit 1 if the document is out of date; draws nothing

What stands between ``<!-- bench NAME -->`` and ``<!-- /bench -->`` is replaced; the rest of the document is written by
people.
"""

from __future__ import annotations

import re
import sys
from typing import Final

from benchmarks.results import PLOTS, ROOT, command, load, machine

COMMANDS: Final = ("turns", "journal", "scale", "start", "serve")
DOCUMENT: Final = ROOT / "docs" / "performance.md"
_BLOCK: Final = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def block(name: str) -> str | None:
    """Where and when, tables, notes, and the plot; None without results."""
    results = load(name)
    if results is None:
        return None
    made = command(name)
    parts = [machine(results), *(table.markdown() for table in made.tables(results)), made.notes(results)]
    text = "\n\n".join(part.strip() for part in parts if part)
    return f"{text}\n\n![{name}](plots/{name}.svg)\n"


def written(document: str) -> str:
    """The document with fresh blocks; those without results stay as they are."""

    def fresh(found: re.Match[str]) -> str:
        text = block(found[2])
        return found[0] if text is None else f"{found[1]}{text}{found[3]}"

    return _BLOCK.sub(fresh, document)


def draw() -> None:
    """The plots of all results."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    for name in COMMANDS:
        if (results := load(name)) is not None:
            command(name).draw(results, PLOTS / f"{name}.svg")


def main() -> int:
    before = DOCUMENT.read_text()
    after = written(before)
    if "--check" in sys.argv:
        if after != before:
            print("docs/performance.md is out of date: run python -m benchmarks.report")
        return int(after != before)
    DOCUMENT.write_text(after)
    draw()
    return 0


if __name__ == "__main__":
    sys.exit(main())
