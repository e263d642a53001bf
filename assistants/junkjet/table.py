"""The periodic log table of sessions: one line each, users named by a hash only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MOST_ROWS: Final = 50
"""More would drown the log; how many there are besides is said in the last line."""

_HEAD: Final = ("user", "age min", "messages", "type", "intent", "left min", "preferences")
_MOST_PREFERENCES: Final = 4


def table(details: Sequence[Mapping[str, Any]], hash_id: Callable[[str], str]) -> list[str]:
    """The ``sessionDetails`` of the analytics as lines of text of one width, busiest session first.

    ``hash_id`` makes of a user id what logs may hold. Without sessions there is one line that says so.
    """
    if not details:
        return ["no active sessions"]
    busiest = sorted(details, key=lambda each: -each["messageCount"])[:MOST_ROWS]
    rows = [_HEAD, *(_row(each, hash_id) for each in busiest)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    if len(details) > MOST_ROWS:
        lines.append(f"and {len(details) - MOST_ROWS} more")
    return lines


def _row(each: Mapping[str, Any], hash_id: Callable[[str], str]) -> tuple[str, ...]:
    return (
        hash_id(each["userId"]),
        str(each["sessionAge"]),
        str(each["messageCount"]),
        str(each["userType"]),
        str(each["currentIntent"]),
        str(each["remainingTime"]),
        _preferences(each["preferences"]),
    )


def _preferences(counts: Mapping[str, int]) -> str:
    """``plastic 3, paper 1``: the most spoken of first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_PREFERENCES]
    return ", ".join(f"{name} {count}" for name, count in ordered) or "-"
