"""Which phase a user belongs to, from what they say of themselves: a household, a middle buyer or a large recycler."""

from __future__ import annotations

from typing import Final, Literal, get_args

from assistants.junkjet.intents import describes_speaker
from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

UserType = Literal["phase1", "phase2", "phase3"]
USER_TYPES: Final[tuple[UserType, ...]] = get_args(UserType)

_ROLES: Final[Phrases[UserType]] = vocabulary(
    [
        (
            "phase1",
            (
                "(household|householder|homeowner|homemaker|housewife|individual|resident|tenant|student|consumer|retiree)",
                "(private|normal|ordinary) (person|seller|user)",
                "phase (1|one)",
                "phase1",
            ),
        ),
        (
            "phase2",
            (
                "(dealer|aggregator|middleman|collector|trader|kabadiwala|kabadi|kabaadi|scrapper|wholesaler|ngo)",
                "(dealers|aggregators|collectors|traders|kabadiwalas|wholesalers|middlemen|shopkeeper|shopkeepers)",
                "(scrap|junk|waste|paper|metal|plastic|small|middle|bulk) (dealer|buyer|trader|collector)",
                "(school|hotel|hospital|office|organisation|organization|company|business|charity|buyer|reseller)",
                "(startup|housing_society|society|college|restaurant|clinic|cafe|shop|buyers|resellers)",
                "phase (2|two)",
                "phase2",
            ),
        ),
        (
            "phase3",
            (
                "(recycler|recyclers|smelter|smelters|refiner|refinery|foundry|manufacturer|manufacturers|reprocessor)",
                "(large|industrial|big|bulk|plastic|metal|paper|glass|copper|steel) (recycler|smelter|manufacturer)",
                "(recycling|reprocessing|smelting) (plant|factory|facility|unit|company|mill|business)",
                "(paper|steel|glass|rolling) (mill|plant|factory)",
                "phase (3|three)",
                "phase3",
            ),
        ),
    ]
)
"""What people say they are: "I am a …"."""

_OUR: Final = "(my|our)"
_WE_RUN: Final = "(i|we) (run|own|manage|operate|represent|work_for|work_at) (a|an|the)?"
_PLANT: Final = "(plant|factory|mill|smelter|foundry|refinery|furnace|facility)"

_PLACES: Final[Phrases[UserType]] = vocabulary(
    [
        (
            "phase1",
            (f"{_OUR} (own)? household",),
        ),
        (
            "phase2",
            (
                f"{_OUR} (small|own|scrap|junk|kabadi)? (shop|store|scrapyard|yard|godown|warehouse|business|office)",
                f"{_OUR} (small|own)? (company|school|hotel|restaurant|hospital|college|clinic|cafe|ngo|organisation)",
                f"{_OUR} (housing_society|society|employees|staff|customers|organization)",
                f"{_WE_RUN} (small|local)? (scrap|junk|kabadi) (shop|yard|business|godown)",
                f"{_WE_RUN} (small|local)? (shop|office|school|hotel|restaurant|scrapyard|cafe|business|company)",
                "(i|we) have (a|an) (small|local)? (scrap|junk|kabadi) (shop|yard|business|godown)",
                "(i|we) (buy|collect) and (sell|resell)",
                "(i|we) (buy|collect) (scrap|junk|waste) (from|in|and|for)",
            ),
        ),
        (
            "phase3",
            (
                f"{_OUR} (own|recycling|big|large|paper|steel|glass)? {_PLANT}",
                f"{_OUR} recycling (unit|company|business)",
                f"{_WE_RUN} (large|big|plastic|paper|metal|e_waste|steel|copper|glass)? (recycling|smelting)? {_PLANT}",
                "(i|we) (smelt|reprocess|granulate)",
            ),
        ),
    ]
)
"""What people say they have: "our factory", "my kitchen"."""
_WORK_AT_SCALE = any_of("process recycle handle melt consume need buy")
_TONNES = any_of("ton tons tonne tonnes mt")
_PERIODS = any_of("day week month year daily weekly monthly")
_OTHERS = any_of("his her their your brother friend father neighbour neighbor uncle friend's")


def user_type_of(words: Words) -> UserType | None:
    for role in _ROLES.find(words):
        if not role.negated and describes_speaker(words, role.start):
            return role.value
    if _works_at_scale(words):
        return "phase3"
    for place in _PLACES.find(words):
        if not place.negated and not _OTHERS & set(words.before(place.start, 3)):
            return place.value
    return None


def _works_at_scale(words: Words) -> bool:
    """ "We process 50 tonnes a month"."""
    for index, token in enumerate(words.tokens):
        if token in _TONNES and not words.negated[index]:
            before, after = words.before(index, 6), words.after(index, 8)
            if {"i", "we"} & set(before) and _WORK_AT_SCALE & set(before) and _PERIODS & set(after):
                return True
    return False
