"""Ways of saying something, as patterns that are matched against a message in lower case."""

from __future__ import annotations

import re
from typing import Final

_HASTY: Final = {
    "wat": "what", "wats": "what's", "whats": "what's", "wheres": "where's", "hows": "how's", "whos": "who's",
    "u": "you", "ur": "your", "r": "are", "pls": "please", "plz": "please", "thx": "thanks", "ty": "thanks",
    "dont": "don't", "cant": "can't", "im": "i'm", "ive": "i've", "tmrw": "tomorrow", "tomorow": "tomorrow",
    "tommorow": "tomorrow", "tommorrow": "tomorrow",
}  # fmt: skip
_HASTILY: Final = re.compile(rf"\b(?:{'|'.join(_HASTY)})\b(?!')")


def plain(message: str) -> str:
    """A message in lower case, on one line, with straight apostrophes and hasty spellings ("wat", "u") written out:
    what the patterns are written for."""
    text = " ".join(message.lower().replace("’", "'").split())
    return _HASTILY.sub(lambda found: _HASTY[found.group()], text)


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
