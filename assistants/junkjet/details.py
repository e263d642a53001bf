"""The particulars of a message: a name, an amount, a place, a thing that JunkJet does not know. Pure, bounded."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from assistants.junkjet.directory import Place, place_in
from assistants.junkjet.materials import materials_in
from assistants.junkjet.words import MAX_CHARS, Words, any_of, normalize

MAX_NAME: Final = 30
MAX_KG: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Details:
    """What a message tells besides its intent.

    name           what the user is called, letters only
    amount_kg      how much there is, in kilograms
    bare_number    the number of a message that says hardly more than it ("about 5"): an answer to "how many kilos?"
    place          a city or an area of the directory
    unknown_place  a place that is named but not in the directory
    unknown_thing  what is to be sold, bought or priced, where it is no material that JunkJet knows
    unsure         the user does not know ("no idea")
    """

    name: str | None = None
    amount_kg: float | None = None
    bare_number: float | None = None
    place: Place | None = None
    unknown_place: str | None = None
    unknown_thing: str | None = None
    unsure: bool = False


def read_details(text: str) -> Details:
    """Read ``text`` (any Unicode, the first ``MAX_CHARS`` of it)."""
    words = Words.of(text)
    place = place_in(words)
    return Details(
        name=_name(text),
        amount_kg=_amount(normalize(text)),
        bare_number=_bare_number(words),
        place=place,
        unknown_place=None if place else _unknown_place(text),
        unknown_thing=None if materials_in(words) else _unknown_thing(words),
        unsure=_unsure(words),
    )


# --- names ------------------------------------------------------------------------------------------------------------

_LETTERS = r"[^\W\d_]{2,30}"
_TOLD = re.compile(
    rf"\b(?:my name is|my name's|my name ist|call me|name's)\s{{1,3}}({_LETTERS}(?:\s{_LETTERS})?)", re.IGNORECASE
)
_INTRODUCED = re.compile(
    rf"\b(?:[Ii]'m|[Ii] am|[Tt]his is)\s{{1,3}}({_LETTERS})"
    r"(?=\s*(?:[,.!?;\n]|$|and\b|from\b|here\b|in\b|by the way|btw\b))"
)
_NO_NAMES = any_of(
    "not a an the at in on me my back later when if as for or to from now again please so very just only here "
    "there tomorrow today soon it what who junkjet and but with by of fine good ok okay great well sorry sure happy "
    "new back done looking selling buying interested ready sad tired home india unknown secret private"
)


def _name(text: str) -> str | None:
    text = unicodedata.normalize("NFC", text[:MAX_CHARS]).replace("\u2019", "'")
    if told := _TOLD.search(text):
        first, *rest = told[1].split()
        if first.casefold() in _NO_NAMES:
            return None
        kept = [first, *(word for word in rest if word[0].isupper() and word.casefold() not in _NO_NAMES)]
        return " ".join(_capital(word) for word in kept)[:MAX_NAME]
    if met := _INTRODUCED.search(text):
        word = met[1]
        known = Words.of(word)
        if word[0].isupper() and word.casefold() not in _NO_NAMES and not place_in(known) and not materials_in(known):
            return word[:MAX_NAME]
    return None


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]


# --- amounts ----------------------------------------------------------------------------------------------------------

_UNITS: Final[dict[str, float]] = {
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms", "kilogramme", "kilogrammes"), 1.0),
    **dict.fromkeys(("g", "gm", "gms", "gram", "grams"), 0.001),
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes", "mt"), 1000.0),
    **dict.fromkeys(("quintal", "quintals"), 100.0),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), 0.453_592),
}
_COUNTS: Final[dict[str, float]] = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
    "half a": 0.5, "a hundred": 100, "couple of": 2, "a couple of": 2, "dozen": 12,
}  # fmt: skip
_NUMBER = r"[0-9]{1,9}(?:[.,][0-9]{1,9}){0,3}"
_ANY_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_WRITTEN_UNIT = "|".join(sorted((unit for unit in _UNITS if len(unit) > 1), key=len, reverse=True))
_COUNT = "|".join(sorted(_COUNTS, key=len, reverse=True))
_MEASURE = re.compile(rf"(?<![\w.,])(?:({_NUMBER})\s{{0,3}}-?({_ANY_UNIT})|({_COUNT})\s{{1,3}}({_WRITTEN_UNIT}))\b")
_LEADS_ELSEWHERE = frozenset([*_COUNTS, "per", "/", "and"])
"""What ahead of an amount makes it part of something else: "₹20 per 1 kg", "two hundred kg"."""
_FEWEST_GRAMS: Final = 0.01
"""Less is no amount of scrap; it keeps "5G phone" out."""


def _amount(text: str) -> float | None:
    """The last amount that is named: who says "5 kg, no, 6 kg" means six. ``text`` is normalized."""
    amount = None
    for match in _MEASURE.finditer(text):
        ahead = text[max(0, match.start() - 12) : match.start()].split()
        if ahead and ahead[-1] in _LEADS_ELSEWHERE:
            continue
        value = _number(match[1]) * _UNITS[match[2]] if match[1] else _COUNTS[match[3]] * _UNITS[match[4]]
        if _FEWEST_GRAMS <= value <= MAX_KG:
            amount = round(value, 3)
    return amount


def _number(digits: str) -> float:
    """``1,000`` and ``1,00,000`` are thousands, ``2,5`` and ``2.5`` are two and a half."""
    if digits.count(".") > 1:
        return 0.0
    head, comma, tail = digits.rpartition(",")
    if comma and len(tail) != 3 and "." not in digits and "," not in head:
        return float(f"{head}.{tail}")
    return float(digits.replace(",", ""))


_FEW_WORDS: Final = 4


def _bare_number(words: Words) -> float | None:
    numbers = [token for token in words.spoken if token[0].isascii() and token[0].isdigit()]
    if len(numbers) == 1 and len(words.spoken) <= _FEW_WORDS and not materials_in(words):
        value = _number(numbers[0])
        return value if 0 < value <= MAX_KG else None
    return None


# --- places and things beyond the directory and the price list --------------------------------------------------------

_IN_PLACE = re.compile(r"\b(?:in|near|around|at|from)\s([A-Z][^\W\d_]{2,29}(?:\s[A-Z][^\W\d_]{2,29})?)")
_NO_PLACES = any_of(
    "india january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday me my you the phase junkjet indian rupees inr english hindi"
)


def _unknown_place(text: str) -> str | None:
    for match in _IN_PLACE.finditer(text[:MAX_CHARS]):
        place = match[1]
        if place.split()[0].casefold() not in _NO_PLACES and not materials_in(Words.of(place)):
            return place
    return None


_SAID_BEFORE_THINGS = any_of("sell selling buy buying purchase purchasing")
_ASKED_OF_US = any_of("take accept collect recycle handle want do")
"""After "do you" these lead to a thing, too: "do you take sofas?", "what do you do with tyres?"."""
_OF_A_THING = any_of("price prices rate rates cost value worth pricing")
_SKIPPED = any_of(
    "my our your his her some any the a an old new used few lot lots of bit more much many all this that these those "
    "little large small big broken empty scrap kg kgs kilo kilos g grams ton tons tonnes around about almost nearly me "
    "us two three four five ten twenty for extra other several"
)
_NO_THINGS = any_of(
    "it them stuff things thing something anything everything what waste junk materials material items item and or to "
    "from in at on near nearby here there with by per kg now today tomorrow please you i we is are who how where when "
    "home online directly goods recyclables rubbish trash garbage sell buy one price prices rate money off away out "
    "junkjet scrap data information details account cash cards care part place help "
    "which if but so as best good nearest quickly fast can will do does buyer buyers seller sellers"
)


def _unknown_thing(words: Words) -> str | None:
    for index, token in enumerate(words.tokens):
        following = words.tokens[index + 1] if index + 1 < len(words) else ""
        if words.negated[index]:
            continue
        ours = token in _ASKED_OF_US and words.tokens[max(0, index - 1) : index] in (("you",), ("they",), ("junkjet",))
        if token in _SAID_BEFORE_THINGS or (ours and token != "do"):
            rest = words.after(index + 1, 6)
        elif (ours and following == "with") or (token in _OF_A_THING and following in ("of", "for")):
            rest = words.after(index + 2, 6)
        else:
            continue
        if thing := _first_thing(rest):
            return thing
    return None


def _first_thing(following: tuple[str, ...]) -> str | None:
    """The noun that a verb or an "of" leads to, with what stands in front of it ("car tyres")."""
    thing: list[str] = []
    for word in following:
        if word in _SKIPPED or word[0].isdigit():
            if thing:
                break
        elif word in _NO_THINGS or not word.isalpha() or not 3 <= len(word) <= MAX_NAME:
            break
        else:
            thing.append(word)
    return " ".join(thing[:3]) or None


_UNSURE = frozenset({"idea", "clue", "sure", "know", "certain"})
_NEGATIONS = frozenset({"no", "not", "don't", "dont", "never"})
_MOST_WORDS_OF_DOUBT: Final = 8


def _unsure(words: Words) -> bool:
    spoken = words.spoken
    return len(spoken) <= _MOST_WORDS_OF_DOUBT and any(
        word in _UNSURE and _NEGATIONS & set(spoken[max(0, i - 3) : i]) for i, word in enumerate(spoken)
    )
