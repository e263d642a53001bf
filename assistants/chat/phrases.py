"""Ways of saying something, as patterns that are matched against a message in lower case."""

from __future__ import annotations

import re


def plain(message: str) -> str:
    """A message in lower case, on one line, with straight apostrophes: what the patterns are written for."""
    return " ".join(message.lower().replace("’", "'").split())


def any_of(*ways: str) -> re.Pattern[str]:
    """Any of these, as whole words; ``^`` binds a way to the beginning of the message."""
    return re.compile("|".join(way if way.startswith("^") else rf"\b{way}" for way in ways))


def listed(things: list[str]) -> str:
    """``tea, books and long walks``."""
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
