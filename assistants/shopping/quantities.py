"""How many: ``add two of these``, ``3 x``, ``a dozen``. A number that belongs to a name (``iPhone 15``) is none."""

from __future__ import annotations

import re

from assistants.shopping.words import NUMBERS

_WORDS = "|".join(word for word in NUMBERS if word not in {"couple", "pair", "dozen"})
_NUMBER = rf"(?P<n>\d{{1,4}}|{_WORDS}|a couple|a dozen)"
_LEAD = (
    r"(?:please|can|could|you|would|and|also|i'll|i|we|want|would|'d|like|i'd|me|to|add|buy|put|take|get|order|grab|have"
    r"|remove|delete|drop|give|purchase|another|then|now|out|away|just|only|yes|ok|okay|so)"
)
_OPENING = re.compile(
    rf"^(?:{_LEAD}[ ,]+){{0,8}}{_NUMBER}(?: ?x\b| of\b| pieces(?: of)?\b| units(?: of)?\b| more\b)* ?"
)
_UNIT_OF = re.compile(rf"\b{_NUMBER} (?:x|of|pieces|units|copies)\b")
_TIMES = re.compile(r"\bx ?(?P<m>\d{1,4})$|\b(?P<n>\d{1,4}) ?x\b(?! ?\d)")
_ONE_OF_MANY = re.compile(r"\b(?:one of the|one of (?:my|them|these|those|each))\b")


def counted(piece: str) -> tuple[int | None, str]:
    """The units that a ``normal`` piece of text asks for, and the piece without the number; None where it says none."""
    piece = piece.strip()
    for pattern in (_OPENING, _TIMES, _UNIT_OF):
        found = pattern.search(piece)
        if found is None:
            continue
        number = found.groupdict().get("n") or found.groupdict().get("m") or ""
        units = NUMBERS.get(number.removeprefix("a ")) or (int(number) if number.isdecimal() else None)
        if units:
            return units, f"{piece[: found.start()]} {piece[found.end() :]}".strip()
    return (1, piece) if _ONE_OF_MANY.search(piece) else (None, piece)
