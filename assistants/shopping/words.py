"""A message as words: one spelling for what is written in many ways. Every step is linear in the text's length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

READ_CHARS = 2_000
"""How much of a message is read for its meaning; no shopping request is longer."""

_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "″": '"', "–": "-", "—": "-", "‑": "-", "−": "-", "×": "x", "\u00a0": " "}
)
_UNIT = re.compile(
    r"(?<![\w.])(\d{1,6}(?:\.\d{1,2})?)[ -]?"
    r'(gigabytes?|gb|gigs?|terabytes?|tb|inch(?:es)?|"|hertz|hz|megapixels?|mp|mah|watts?|w)(?![\w])'
)
_UNITS = {
    **dict.fromkeys(("gigabyte", "gigabytes", "gb", "gig", "gigs"), "gb"),
    **dict.fromkeys(("terabyte", "terabytes", "tb"), "tb"),
    **dict.fromkeys(("inch", "inches", '"'), "inch"),
    **dict.fromkeys(("hertz", "hz"), "hz"),
    **dict.fromkeys(("megapixel", "megapixels", "mp"), "mp"),
    "mah": "mah",
    **dict.fromkeys(("watt", "watts", "w"), "w"),
}
_PLUS = re.compile(r"(?<=[^\W_])\+(?!\w)")
_WORD = re.compile(r"\d+\.\d+[^\W_]*|[^\W_]+")


def bag(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


STOP_WORDS = bag(
    """
    a about above again all also am an and any anything are around as at available be because been before below between
    bit both but buy by can cant could cost costs currently did do does doing dollar dollars dont down during each else
    eur euro euros ever few find for from further get give go going gonna good got great had has have having he hello
    help her here hers hey hi him his how i id if ill im in into is isnt it its ive just kind kinds know let lets like
    looking lot lots made make many may maybe me mine model models money more most much must my need no nor not now of
    off offer offers ok okay on once one ones only option options or other our out over own please price priced prices
    product products put re really recommend right same search see sell shall she shop should show so some something
    sort still store stuff such suggest sure take tell than thank thanks that thats the their them then there these
    they thing things think this those through to today too type types under until up us usd use used using ve very
    wanna want wants was way we well were what whats when where which while who why will with without wont would yes
    yet you your youre item items add new
    """
)
"""Words that say nothing about a product, spelled as ``words`` spells them."""

_COUNTED = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
NUMBERS = {word: count for count, word in enumerate(_COUNTED, 1)} | {"dozen": 12, "couple": 2, "pair": 2}
ALWAYS_PLURAL = frozenset({"headphones", "earphones", "earbuds", "airpods", "accessories", "glasses", "series", "news"})


def clean(text: str) -> str:
    """Any text as something that can be stored and shown: no lone surrogates, no control characters, one line."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in sound).split())


def normal(text: str) -> str:
    """The text in lower case, with plain quotes and dashes, single spaces and joined units (``16 GB`` is ``16gb``)."""
    return _normal(text[:READ_CHARS])


@lru_cache(maxsize=128)
def _normal(text: str) -> str:
    # One message is looked at by many rules.
    head = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))[:READ_CHARS]
    # Marks that NFKC leaves apart after casefold (a dotted capital I) would split a word.
    low = clean(head).translate(_QUOTES).casefold()[:READ_CHARS]
    return _UNIT.sub(lambda m: m[1] + _UNITS[m[2]], low)


def words(text: str) -> tuple[str, ...]:
    """The words of a text that is ``normal`` already; ``s24+`` gives ``s24 plus``, ``usb-c`` gives ``usb c``."""
    plain = _PLUS.sub(" plus ", text).replace("n't", "nt").replace("'s ", " ").replace("'", "")
    return tuple(_WORD.findall(plain))


def singular(word: str) -> str:
    """The singular of an English noun by rule: ``batteries`` → ``battery``, ``watches`` → ``watch``."""
    if len(word) < 4 or word in ALWAYS_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is", "ous")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def meaningful(tokens: Iterable[str]) -> list[str]:
    """The words without those that say nothing about a product."""
    return [word for word in tokens if word not in STOP_WORDS]


def listed(parts: Sequence[str], last: str = "and") -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""
