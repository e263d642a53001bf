"""A conversation as PDF, in whatever script it was said; glyphs that no font has are shown as ``?``.

The fonts (FiraGO and Fira Mono; Noto Sans Symbols and Math where these have no glyph) come with the package
``pymupdf-fonts`` under the SIL Open Font License. They have no Chinese, Japanese or Korean.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from assistants.chat.documents import FENCE, facts, when
from memory.archive import ArchivedChat
from memory.session import Turn

if TYPE_CHECKING:
    from fpdf import FPDF

MOST_CHARACTERS: Final = 400_000
"""Of longer conversations the newest turns are shown. This many take some seconds, and 150 pages."""

_TEXT: Final = "text"
_CODE: Final = "code"
# Our name and style of each font, and the package's.
_FONTS: Final = {(_TEXT, ""): "figo", (_TEXT, "B"): "figbo", (_CODE, ""): "fimo"}
_FALLBACKS: Final = ("symbol2", "math", "symbol1")

_BLACK: Final = (30, 30, 30)
_GREY: Final = (120, 120, 120)
_YOU: Final = (20, 90, 160)
_ASSISTANT: Final = (30, 120, 70)
_SHADE: Final = (244, 244, 244)

# What has no glyph of its own: controls, and how an emoji is to be drawn.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef\U0001f3fb-\U0001f3ff]")

# Scripts whose letters join, change places or carry marks: Hebrew, Arabic, the scripts of India and South-East Asia.
_SHAPED = re.compile("[\u0300-\u036f\u0590-\u08ff\u0900-\u0eff\u1000-\u109f\u1780-\u17ff\ufb1d-\ufdff\ufe70-\ufefc]")


def to_pdf(chat: ArchivedChat) -> bytes:
    """The conversation as an A4 document; the same conversation gives the same bytes."""
    with TemporaryDirectory(prefix="fonts-") as folder:
        return _Page(Path(folder), chat).write()


class _Page:
    """The document while it is written."""

    def __init__(self, folder: Path, chat: ArchivedChat) -> None:
        self._chat = chat
        self._pdf = _empty(chat)
        self._glyphs = _add_fonts(self._pdf, folder)
        self._pdf.add_page()

    def write(self) -> bytes:
        turns = _newest(self._chat.turns)
        self._heading(left_out=len(self._chat.turns) - len(turns))
        for turn in turns:
            self._message("You", when(turn.began), turn.message, _YOU)
            self._message("Assistant", when(turn.ended), turn.response, _ASSISTANT)
            if turn.interrupted:
                self._prose("(interrupted)")
        try:
            return bytes(self._pdf.output())
        finally:
            for font in self._pdf.fonts.values():
                if hasattr(font, "ttfont"):
                    font.ttfont.close()

    def _heading(self, left_out: int) -> None:
        self._pdf.set_font(_TEXT, "B", 17)
        self._pdf.set_text_color(*_BLACK)
        self._lines(self._chat.session.chat_name, 8)
        self._pdf.ln(1)
        self._pdf.set_font(_TEXT, "", 9)
        self._pdf.set_text_color(*_GREY)
        for fact in facts(self._chat):
            self._lines(fact, 5)
        if left_out:
            self._lines(f"The first {2 * left_out} messages are left out; an export as JSON or Markdown has them", 5)
        self._pdf.ln(3)

    def _message(self, who: str, at: str, text: str, colour: tuple[int, int, int]) -> None:
        # A label does not stand alone at the end of a page.
        if self._pdf.will_page_break(18):
            self._pdf.add_page()
        self._pdf.ln(3)
        self._pdf.set_font(_TEXT, "B", 11)
        self._pdf.set_text_color(*colour)
        self._pdf.cell(self._pdf.get_string_width(who) + 3, 6, who)
        self._pdf.set_font(_TEXT, "", 8)
        self._pdf.set_text_color(*_GREY)
        self._pdf.cell(0, 6, at, new_x="LMARGIN", new_y="NEXT")
        self._pdf.set_text_color(*_BLACK)
        for code, piece in _pieces(text):
            if code:
                self._code(piece)
            else:
                self._prose(piece)

    def _prose(self, text: str) -> None:
        self._pdf.set_font(_TEXT, "", 10.5)
        for paragraph in text.split("\n"):
            if paragraph.strip():
                self._lines(paragraph, 5.4)
            else:
                self._pdf.ln(2.5)

    def _code(self, text: str) -> None:
        self._pdf.set_font(_CODE, "", 9)
        self._pdf.set_fill_color(*_SHADE)
        self._lines(text, 4.6, fill=True)
        self._pdf.ln(1.5)

    def _lines(self, text: str, height: float, *, fill: bool = False) -> None:
        shown = self._showable(text)
        # Shaping costs six times the rest, so it is for the scripts that need it.
        self._pdf.set_text_shaping(bool(_SHAPED.search(shown)))
        align = "R" if _is_right_to_left(shown) else "L"
        self._pdf.multi_cell(0, height, shown, align=align, fill=fill, new_x="LMARGIN", new_y="NEXT")

    def _showable(self, text: str) -> str:
        """The text in glyphs that there are."""
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).expandtabs(4))
        return "".join(
            letter if letter == "\n" or ord(letter) in self._glyphs else _stand_in(letter) for letter in text
        )


def _newest(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The newest turns that are not too much for a document."""
    room = MOST_CHARACTERS
    for count, turn in enumerate(reversed(turns)):
        room -= len(turn.message) + len(turn.response)
        if room < 0 and count:
            return turns[-count:]
    return turns


def _empty(chat: ArchivedChat) -> FPDF:
    from fpdf import FPDF  # half a second of import, that only an export needs

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-14)
            self.set_font(_TEXT, "", 8)
            self.set_text_color(*_GREY)
            self.cell(0, 6, f"{self.page_no()} / {{nb}}", align="C")

    pdf = Document(format="A4")
    pdf.set_margin(20)
    pdf.set_auto_page_break(True, 20)
    pdf.set_title(chat.session.chat_name.encode("utf-8", "replace").decode())
    pdf.set_creation_date(datetime.fromtimestamp(chat.session.last_activity / 1000, UTC))
    return pdf


def _add_fonts(pdf: FPDF, folder: Path) -> set[int]:
    """Add the fonts, each helping out the others; returns the characters that they have together."""
    from pymupdf_fonts import fontbuffers  # type: ignore[import-untyped]

    # It warns of a field in a font that has no meaning here, each time.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    for (family, style), name in [*_FONTS.items(), *(((name, ""), name) for name in _FALLBACKS)]:
        file = folder / f"{name}.ttf"
        file.write_bytes(fontbuffers[name]())
        pdf.add_font(family, style, file)
    fallbacks = [_TEXT, *_FALLBACKS, _CODE]
    pdf.set_fallback_fonts(fallbacks, exact_match=False)
    return {code for name in fallbacks for code in getattr(pdf.fonts[name], "cmap", ())}


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The text cut into prose and blocks of code, without the lines that fence them."""
    fence = ""
    lines: list[str] = []
    for line in text.split("\n"):
        mark = FENCE.match(line)
        closes = mark and fence and mark.group(1)[0] == fence[0] and len(mark.group(1)) >= len(fence)
        if mark and (closes or not fence):
            if lines:
                yield bool(fence), "\n".join(lines)
            lines = []
            fence = "" if closes else mark.group(1)
        else:
            lines.append(line)
    if lines:
        yield bool(fence), "\n".join(lines)


def _stand_in(letter: str) -> str:
    """For a letter without a glyph: a space for a space of any kind, nothing for a mark or a joiner, else ``?``."""
    category = unicodedata.category(letter)
    if category.startswith("Z"):
        return " "
    return "" if category in ("Mn", "Me", "Cf") else "?"


def _is_right_to_left(text: str) -> bool:
    strong = next((kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")), "L")
    return strong != "L"
