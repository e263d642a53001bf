"""Which cities a message names. What is used already (a time, a unit, a person's name) is no city."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from assistants.weather import climate
from assistants.weather.places import OTHER_WORDS, US_STATES, fold
from assistants.weather.tokens import Token
from assistants.weather.vocabulary import COMMON, COMPARISONS, NOT_A_PLACE, STOP

MAX_CITIES: Final = 3
"""How many cities one message may ask for."""

MAX_WORDS: Final = 5
MAX_PHRASE: Final = 12
"""Of one name, and of one with the small words around it."""

SURE: Final = ("in", "near")
"""After these even a common word is a city («in Nice»)."""

PERHAPS: Final = ("at", "to", "visit", "visiting", "around", "for", "of", "about", "from", "over")
"""These stand before cities, and before much else."""

POSTCODE: Final = (5, 6)
"""How many digits a number has that is looked up as a postal code."""

LINKS: Final = frozenset({"and", "or", "vs", "versus", ",", "/", "plus", "than", *COMPARISONS})
BETWEEN: Final = LINKS | set(SURE) | {"also", "then"}
"""What stands between the names of a list: «in Rome, and also in Oslo», «Rome warmer than Oslo»."""

SHORT_REGIONS: Final = OTHER_WORDS.keys() | US_STATES.keys()
BEGIN_NAMES: Final = frozenset({"new", "old", "great", "little", "big", "long", "high", "good", "last", "best"})
"""Common words that names begin with: New Plymouth, Long Beach."""


def cities(words: Sequence[Token]) -> tuple[tuple[str, ...], bool]:
    """The cities that are named, and whether they surely are cities: after «in», or well known."""
    surely = list(_after(words, SURE))
    perhaps = list(_after(words, PERHAPS))
    known = next((names for names in surely + perhaps if climate.find(names[0])), ())
    if known or surely:
        return known or surely[0], True
    start = _known_city(words)
    if start is not None and (names := _list(words, start, sure=True)):
        return names, True
    if perhaps:
        return perhaps[0], False
    start = _loose_name(words)
    return (_list(words, start, sure=False) if start is not None else ()), False


def _after(words: Sequence[Token], before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for wanted in before:
        for index, word in enumerate(words):
            if word.key == wanted and not word.used:
                names = _list(words, index + 1, sure=wanted in SURE)
                if names:
                    yield names


def _list(words: Sequence[Token], start: int, *, sure: bool) -> tuple[str, ...]:
    """The names that begin at ``start``: ``London and Paris``; a comma may also lead to a region: ``Paris, Texas``."""
    names: dict[str, str] = {}
    index = start
    while len(names) < MAX_CITIES:
        name, index = _name(words, index, sure=sure)
        if not name:
            break
        while _key(words, index) == ",":
            region, after = _short_region(words, index + 1) or _name(words, index + 1, sure=False)
            if not region or not _is_region(region, _key(words, after)):
                break
            name, index = f"{name}, {region}", after
        names.setdefault(fold(name), name)
        if _key(words, index) not in LINKS:
            break
        while _key(words, index) in BETWEEN:
            index += 1
        sure = False
    return tuple(names.values())


def _short_region(words: Sequence[Token], index: int) -> tuple[str, int] | None:
    """``IL``, ``OR``, ``UK`` and where it ends. In small letters many of them are words: «in Rome, or in Oslo»."""
    word = words[index] if index < len(words) else None
    if word is None or word.used or word.key.replace(".", "") not in SHORT_REGIONS:
        return None
    return (word.text, index + 1) if word.text.isupper() or word.key not in COMMON else None


def _is_region(text: str, following: str) -> bool:
    """Whether what follows a comma is a country or state, and not one city more of a list."""
    part = fold(text.replace(".", ""))
    if part in SHORT_REGIONS or climate.cities_of(text):
        return True
    if part in {fold(state) for state in US_STATES.values()}:
        return True
    return not climate.is_known(text) and following not in LINKS


def _name(words: Sequence[Token], start: int, *, sure: bool) -> tuple[str, int]:
    """The name that begins at ``start`` (empty if none does), and where it ends."""
    index = _skip_article(words, start)
    found: list[Token] = []
    while index < len(words) and len(found) <= MAX_PHRASE and _may_be_part(words, index, found):
        found.append(words[index])
        index += 1
        if found[-1].key.endswith("'s") and climate.is_known(_owner(found)):
            return _owner(found), index  # «London's city centre»
    end = index
    # What only leads up to the name or trails after it: «to check Oslo», «in Oslo expected».
    while not sure and len(found) > 1 and _is_filler(found[0]) and found[0].key not in BEGIN_NAMES:
        del found[0]
    while len(found) > 1 and _is_filler(found[-1]):
        del found[-1]
    if not found or len(found) > MAX_WORDS or not _is_name(found, sure=sure):
        return "", start
    # «Bergen's weather» is Bergen's; «St John's» is a city.
    owns = end < len(words) and words[end].key in COMMON
    return _owner(found) if owns else " ".join(word.text for word in found), end


def _owner(words: Sequence[Token]) -> str:
    return " ".join(word.text for word in words).removesuffix("'s").removesuffix("’s")


def _skip_article(words: Sequence[Token], start: int) -> int:
    index = start
    if _key(words, index) == "the" and _key(words, index + 1) != "hague":
        index += 1
    if _key(words, index) in ("city", "town") and _key(words, index + 1) == "of":
        index += 2
    return index


def _may_be_part(words: Sequence[Token], index: int, found: Sequence[Token]) -> bool:
    word = words[index]
    if not word.is_word or word.used:
        return False
    if _has_digit(word):
        return not found and word.key.isdigit() and len(word.key) in POSTCODE
    if word.key == "of":  # Isle of Man
        following = words[index + 1] if index + 1 < len(words) else None
        return bool(found) and following is not None and following.is_name and not following.used
    if word.key == "the":
        return _key(words, index + 1) == "hague"
    if found and word.text.isupper() and word.key in US_STATES and not found[-1].text.isupper():
        return True  # Portland OR
    return word.key not in STOP


def _is_filler(word: Token) -> bool:
    return word.key in COMMON and not word.is_name


def _is_name(found: Sequence[Token], *, sure: bool) -> bool:
    first = found[0]
    if first.key in NOT_A_PLACE and not (len(found) > 1 and first.is_name and found[1].is_name):  # Fall River
        return False
    return sure or any(word.key not in COMMON for word in found)


def _known_city(words: Sequence[Token]) -> int | None:
    """Where a well-known city stands, the longest name first."""
    for start, first in enumerate(words):
        if not first.is_word or first.used:
            continue
        for length in (4, 3, 2, 1):
            part = words[start : start + length]
            if len(part) < length or any(word.used or not word.is_word for word in part):
                continue
            name = _owner(part)
            # «la» is an article more often than Los Angeles.
            if climate.is_known(name) and (len(name) > 2 or name.isupper()):
                return start
    return None


def _loose_name(words: Sequence[Token]) -> int | None:
    """Where a name may stand in ``Bergen weather?``: words that mean nothing else, with a capital where any has one."""
    starts = []
    inside = False
    for index, word in enumerate(words):
        is_free = word.is_word and not word.used and word.key not in COMMON and not _has_digit(word)
        if is_free and not inside:
            starts.append(index)
        inside = is_free
    names = [index for index in starts if words[index].is_name]
    if names:
        return names[0]
    return starts[0] if len(starts) == 1 else None


def _key(words: Sequence[Token], index: int) -> str:
    return words[index].key if 0 <= index < len(words) else ""


def _has_digit(word: Token) -> bool:
    return any(char.isdigit() for char in word.key)
