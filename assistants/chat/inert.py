"""Markdown that does nothing where it is read: no HTML of its own, no pictures from elsewhere (asking for one tells
who reads, and whatever stands in its address), and links to the web only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

SCHEMES: Final = frozenset({"", "http", "https", "mailto"})
MOST_READ: Final = 100_000
"""Characters of a text that is looked at closely; in a longer one every mark that might begin something is escaped."""

_CODE: Final = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)|(?P<ticks>`+)[^`\n]+(?P=ticks)", re.M | re.S
)
_MARKDOWN: Final = MarkdownIt("commonmark")
_MARKDOWN.validateLink = lambda url: True  # type: ignore[method-assign]  # what others let through, we have to see


def inert(text: str) -> str:
    """The text as it is where it is harmless; else with its marks of HTML (and of links, if need be) escaped."""
    if not any(mark in text for mark in ("<", "](", "]:")):
        return text
    if len(text) <= MOST_READ:
        pictureless = text.replace("![", "!\\[")
        for tried in (text, pictureless, _outside_code(text), _outside_code(pictureless)):
            if _is_harmless(tried):
                return tried
    return re.sub(r"[<\[]", r"\\\g<0>", text.replace("\\", "\\\\"))


def _outside_code(text: str) -> str:
    parts, at = [], 0
    for code in _CODE.finditer(text):
        parts += [text[at : code.start()].replace("<", "\\<"), code[0]]
        at = code.end()
    return "".join([*parts, text[at:].replace("<", "\\<")])


def _is_harmless(text: str) -> bool:
    found: dict[str, Any] = {}
    tokens = list(_all(_MARKDOWN.parse(text, found)))
    addresses = [str(token.attrGet("href") or "") for token in tokens]
    addresses += [str(each["href"]) for each in found.get("references", {}).values()]
    does_something = any(token.type.startswith("html_") or token.type == "image" for token in tokens)
    return not does_something and all(map(_leads_to_the_web, addresses))


def _all(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())


def _leads_to_the_web(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in SCHEMES
    except ValueError:
        return False
