"""What a message wants: one of six intents, read from cues of different strength.

A cue is a phrase ("how much is", "sell", "kabadiwala"); denied cues do not count. The strongest cue decides; of equal
ones the first, except that what comes after a "but" or "actually" comes before what was said ahead of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from assistants.junkjet.cues import CUES, Cue
from assistants.junkjet.materials import material_positions
from assistants.junkjet.words import Found, Words, any_of

Intent = Literal["selling", "buying", "finding_connections", "pricing", "information", "general"]
INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)
Side = Literal["buyers", "sellers"]

STRONG: Final = 5
PLAIN: Final = 4
WEAK: Final = 3
IMPLIED: Final = 2
HINT: Final = 1

_CONTRAST = any_of("but actually instead rather now however")
_SEARCH = any_of(
    "find search locate show list where near nearby nearest closest around local here any looking look need want know "
    "contact connect reach suggest recommend give get who which there in"
)
_SEARCH_REACH = 8
_TELLS = any_of("is was are am were runs owns did didn't has had never said came called cheated paid took gave")
"""Words of telling: "my brother **is** a dealer", "the seller **was** rude" look for nobody."""
_HAVE = any_of("have has got own i've we've ive")
_WANT = any_of("need want require looking searching interested get give")
_KILOS = any_of("kg kgs kilo kilos kilogram kilograms quintal quintals ton tons tonne tonnes")
_OTHER_OBJECTS = any_of(
    "question questions doubt doubts problem problems been read heard seen to know help information info advice "
    "someone anybody anyone app idea sell buy recycle"
)
_OBJECT_REACH = 7
_NOT_ONESELF = any_of(
    "looking searching find search need want contact connect to for with of from selling buying near who where which "
    "the that this your my their"
)
"""Words between "I am" and a noun that make it someone else: "I am **looking for a** dealer"."""
_OWNED = any_of("run own manage operate work represent our")
_I_AM = frozenset({("i", "am"), ("we", "are"), ("as", "a"), ("as", "an")})
_IM = frozenset({"i'm", "im", "we're"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a message wants, and for ``finding_connections`` of which side (None where it does not say)."""

    intent: Intent
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class _Vote:
    intent: Intent
    weight: int
    at: int
    side: Side | None = None


def wish_of(words: Words) -> Wish:
    """The intent of a message; ``general`` where nothing in it says more."""
    found = [cue for cue in CUES.find(words) if not cue.negated]
    votes = [*_votes(words, found), *_implied(words)]
    if not votes:
        return Wish("general")
    turned = _last_contrast(words)
    best = min(votes, key=lambda vote: (-vote.weight, vote.at < turned, vote.at))
    side = best.side or next((vote.side for vote in votes if vote.side), None)
    return Wish(best.intent, side if best.intent == "finding_connections" else None)


def describes_speaker(words: Words, index: int) -> bool:
    """Whether the noun at ``index`` is what the speaker is: "**I am** a small scrap **dealer**"."""
    before = words.before(index, 6)
    for at in range(len(before)):
        if before[at] in _IM or before[at : at + 2] in _I_AM:
            between = before[at + 1 :]
            return not _NOT_ONESELF & set(between)
    return False


def _votes(words: Words, found: list[Found[Cue]]) -> Iterator[_Vote]:
    topical = any(cue.value == "topic" for cue in found) or bool(material_positions(words))
    for cue in found:
        at = cue.start
        match cue.value:
            case "sell":
                yield _Vote("buying" if _offered_to_speaker(words, cue) else "selling", PLAIN, at)
            case "buy":
                yield _Vote("selling" if _comes_from_speaker(words, cue) else "buying", PLAIN, at)
            case "find buyers":
                yield _Vote("finding_connections", STRONG, at, "buyers")
            case "find sellers":
                yield _Vote("finding_connections", STRONG, at, "sellers")
            case "buyer" | "seller":
                yield from _people(words, cue)
            case "price":
                yield _Vote("pricing", STRONG, at)
            case "price word":
                yield _Vote("pricing", WEAK, at)
            case "how":
                yield _Vote("information", STRONG, at)
            case "question" if topical:
                yield _Vote("information", HINT, at)
            case "opening" if topical and not words.before(at, 1):
                yield _Vote("information", HINT, at)
            case "topic" if words.tokens[at].startswith("recycl"):
                yield _Vote("selling" if material_positions(words) else "information", HINT, at)


def _people(words: Words, cue: Found[Cue]) -> Iterator[_Vote]:
    side: Side = "buyers" if cue.value == "buyer" else "sellers"
    before = words.before(cue.start, _SEARCH_REACH)
    if describes_speaker(words, cue.start) or _OWNED & set(before[-3:]):
        yield _Vote("buying" if side == "buyers" else "selling", IMPLIED, cue.start)
    elif {"to", "from"} & set(before[-3:]) and {"sell", "selling", "buy", "buying"} & set(before):
        return  # "sell it to a dealer" speaks of selling; the dealer is beside the point
    else:
        after = words.after(cue.end, _SEARCH_REACH)
        if _SEARCH & set(before) or _SEARCH & set(after):
            yield _Vote("finding_connections", STRONG, cue.start, side)
        elif not (_TELLS & set(before[-3:]) or _TELLS & set(after[:1])):
            yield _Vote("finding_connections", WEAK, cue.start, side)


def _implied(words: Words) -> Iterator[_Vote]:
    """ "I have old newspapers" and "10 kilos of paper" offer them, "I need copper" asks for it; weaker than anything
    said outright."""
    for start, _ in material_positions(words):
        before = words.before(start, _OBJECT_REACH)
        if _OTHER_OBJECTS & set(before):
            continue
        if _HAVE & set(before):
            yield _Vote("selling", IMPLIED, start)
        elif _WANT & set(before):
            yield _Vote("buying", IMPLIED, start)
        elif _KILOS & set(before[-2:]):
            yield _Vote("selling", HINT, start)


def _offered_to_speaker(words: Words, cue: Found[Cue]) -> bool:
    """ "Sell some copper **to me**", "is there any copper **for sale**?"."""
    if words.tokens[cue.start : cue.end] == ("for", "sale"):
        return bool({"any", "is", "are", "you", "buy", "anything"} & set(words.before(cue.start, _OBJECT_REACH)))
    return _ends_with(words, cue, "to")


def _comes_from_speaker(words: Words, cue: Found[Cue]) -> bool:
    """ "Buy this copper **from me**"."""
    return _ends_with(words, cue, "from")


def _ends_with(words: Words, cue: Found[Cue], preposition: str) -> bool:
    after = words.after(cue.end, _OBJECT_REACH)
    return any(pair in ((preposition, "me"), (preposition, "us")) for pair in itertools.pairwise(after))


def _last_contrast(words: Words) -> int:
    return max((i for i, token in enumerate(words.tokens) if token in _CONTRAST), default=0)
