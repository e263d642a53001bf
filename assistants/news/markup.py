"""HTML as words: parsed with a bound on how deep it may go, and turned into paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

MOST_TEXT: Final = 400_000
"""Characters of one article that are kept."""

MOST_MARKUP: Final = 4 * MOST_TEXT
MOST_OPEN: Final = 8_000
"""Elements that may be open at once. Pages have some dozens; a parser's time grows with the square of it."""


class TooDeep(ValueError):
    """Markup that no person wrote: it opens more elements than ``MOST_OPEN`` without closing them."""

    def __init__(self) -> None:
        super().__init__("its markup is nested deeper than any real page")


def parse(markup: str) -> LexborHTMLParser:
    """The page. Raises ``TooDeep``."""
    markup = markup[:MOST_MARKUP]
    check_depth(markup)
    return LexborHTMLParser(markup)


def check_depth(markup: str) -> None:
    """Raises ``TooDeep`` where HTML or XML would keep a parser busy for minutes. Takes time as its length."""
    if _most_open(markup) > MOST_OPEN:
        raise TooDeep


def html_text(markup: str) -> str:
    """The words of a fragment, as paragraphs. Raises ``TooDeep``."""
    return text_of(parse(markup).body)


_NOT_TEXT: Final = "script, style, noscript, template, svg, nav, header, footer, aside, form, button, iframe, figure"
_BLOCKS: Final = frozenset(
    {
        *("address", "article", "blockquote", "dd", "div", "dl", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"),
    }
)


def text_of(node: LexborNode | None) -> str:
    """The words of an element, blank lines between its blocks; without scripts, menus and the like. Changes it."""
    if node is None:
        return ""
    for unwanted in node.css(_NOT_TEXT):
        unwanted.decompose()
    parts: list[str] = []
    for piece in node.traverse(include_text=True):
        tag = piece.tag or ""
        if tag in _BLOCKS:
            parts.append("\n\n")
        elif tag == "br":
            parts.append("\n")
        elif tag in ("td", "th"):
            parts.append(" ")
        elif tag == "-text":
            parts.append(re.sub(r"\s+", " ", piece.text(deep=False)))
    return tidy("".join(parts))


def tidy(text: str, *, join_lines: bool = False) -> str:
    """``text`` without control characters and needless space, a blank line between paragraphs, ``MOST_TEXT`` at most.

    With ``join_lines`` the lines of a paragraph become one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    paragraphs = re.split(r"\n[ ]*\n\s*", text)
    if join_lines:
        lines = (" ".join(paragraph.split()) for paragraph in paragraphs)
    else:
        lines = ("\n".join(" ".join(line.split()) for line in paragraph.split("\n")) for paragraph in paragraphs)
    return "\n\n".join(line.strip() for line in lines if line.strip())[:MOST_TEXT]


_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "area", "base", "col", "embed", "source", "wbr"})
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9]*)|<!--|<!\[cdata\[")
_RAW: Final = {
    "<!--": "-->",
    "<![cdata[": "]]>",
    "<script": "</script",
    "<style": "</style",
    "<textarea": "</textarea",
}


def _most_open(markup: str) -> int:
    """Roughly how many elements are open at once at most: each end closes one of its own name, if one is open."""
    lowered = markup.lower()
    opened: Counter[str] = Counter()
    depth = most = position = 0
    while (match := _TAG.search(lowered, position)) is not None:
        position = match.end()
        name = match[2]
        end_mark = _RAW.get(match[0])
        if end_mark is not None:
            # Comments and scripts hold anything; what is not ended reaches to the end.
            end = lowered.find(end_mark, position)
            if end < 0:
                break
            position = end + len(end_mark)
        elif match[1]:
            if opened[name]:
                opened[name] -= 1
                depth -= 1
        elif name not in _VOID:
            opened[name] += 1
            depth += 1
            most = max(most, depth)
    return most
