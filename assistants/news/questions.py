"""What kind of message it is: read from its words alone, before anything is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from agent.recall import asks_what_was_said
from agent.terms import Terms
from assistants.news.periods import Period, period_in

Kind = Literal["greeting", "thanks", "goodbye", "help", "offtopic", "recall", "latest", "question"]
Wanted = Literal[
    "", "when", "who", "where", "why", "more", "source",
    "how many", "how much", "how long", "how far", "how heavy", "how fast", "how old",
]  # fmt: skip
"""What sort of thing would answer it."""

MOST_CHARACTERS: Final = 2_000
"""Of a message, no more is read for its kind; what is searched for is bounded elsewhere."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message, read.

    ``subject`` is what it is about: its words without the talk around it ("what is the latest on …"); ``telling`` are
    its terms that are not everyday words. ``refers`` says that it points back ("that", "he"), ``goes_on`` that it
    begins as if it went on ("and the price?"), ``definite`` that it speaks of "the" something; ``choice`` is which of
    the articles named before it points at ("the second one" is 1, "the last one" -1), else None. ``period`` is the
    time that it limits itself to, which is no part of ``subject``.
    """

    kind: Kind
    subject: str
    telling: tuple[str, ...] = ()
    wants: Wanted = ""
    refers: bool = False
    goes_on: bool = False
    definite: bool = False
    choice: int | None = None
    period: Period | None = None


def read_question(message: str, terms: Terms, today: date | None = None) -> Question:
    """``message``, read; periods only where ``today`` is known. Pure; any text will do."""
    said = " ".join(message[:MOST_CHARACTERS].split())
    talk = _small_talk(said)
    if talk is None and (rest := _POLITENESS.sub("", said)) != said:
        said, talk = rest, _small_talk(rest)  # "Thanks! And who won?"
    if talk is not None:
        return Question(talk, "")
    latest = bool(_LATEST.search(said))
    period, without = period_in(said, today) if today else (None, said)
    if period:
        timeless = _telling(without, terms)
        if period.recent or not timeless or _NEWS.search(said):
            said, latest = without, latest or not timeless
        else:
            period = None  # "Did the pool reopen in June?" may be what an article says
    subject = _TALK_AROUND.sub(" ", said).strip(" ?!.,;:-")
    telling = _telling(said, terms)
    wants = _wants(said)
    choice = _choice(said)
    refers = choice is not None or bool(_POINTS_BACK.search(said)) or wants in ("more", "source")
    if latest and not telling and choice is None and not (refers and wants):
        return Question("latest", "", period=period)
    goes_on, definite = bool(_GOES_ON.search(said)), bool(_DEFINITE.search(said))
    return Question("question", subject, telling, wants, refers, goes_on, definite, choice, period)


def _telling(said: str, terms: Terms) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term for term in terms(_TALK_AROUND.sub(" ", said)) if term not in terms.everyday))


_EDGE: Final = r"[\s!?.,:;)\u2026-]*$"
_SMALL_TALK: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    (
        "greeting",
        re.compile(
            r"^(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|moin|hallo)"
            r"(?: (?:there|again|everyone|all|bot|assistant|you))?(?:[,! ]+how (?:are you|is it going|do you do)[^?]*)?"
            + _EDGE,
            re.IGNORECASE,
        ),
    ),
    (
        "thanks",
        re.compile(
            r"^(?:(?:ok(?:ay)?|great|perfect|super|cool|nice|wonderful)[,! ]+)?"
            r"(?:thanks?(?: you)?(?: (?:a lot|so much|very much))?|thx|cheers|much appreciated)"
            r"(?:[,! ]+(?:that(?:'s| is| was)|very) [a-z ]{1,30})?" + _EDGE,
            re.IGNORECASE,
        ),
    ),
    (
        "goodbye",
        re.compile(
            r"^(?:good ?bye|bye(?: bye)?|see (?:you|ya)(?: later| soon)?|farewell|good night)" + _EDGE, re.IGNORECASE
        ),
    ),
    (
        "help",
        re.compile(
            r"^(?:help(?: me)?|what can (?:you|i) (?:do|ask)(?: (?:you|here|for me))?|who are you|what are you"
            r"|how does this work|how do you work|what do you (?:do|know)(?: about)?"
            r"|(?:which|what) (?:topics?|subjects?|sections?|categories)(?: .{0,60})?"
            r"|how many (?:news |different )?(?:articles?|stories|documents?)(?: .{0,30})?)" + _EDGE,
            re.IGNORECASE,
        ),
    ),
    (
        "offtopic",
        re.compile(
            r"^(?:how are you(?: .{0,20})?|what(?:'s| is) your (?:name|favou?rite .{1,30})|what time is it.{0,20}"
            r"|what(?:'s| is) the time|what(?:'s| is) the date(?: today)?|what day is (?:it|today)"
            r"|(?:please )?(?:tell|sing|write)(?: me)? an? (?:joke|song|poem|riddle|story)(?: .{0,40})?"
            r"|do you (?:like|love|hate|feel|think|believe) .{1,60}"
            r"|are you (?:an? )?(?:human|robot|bot|real|ai).{0,20})" + _EDGE,
            re.IGNORECASE,
        ),
    ),
)

_POLITENESS: Final = re.compile(
    r"^(?:(?:thanks?(?: you)?(?: (?:a lot|so much|very much))?|thx|cheers|great|nice|cool|wow|ok(?:ay)?|perfect|hi|hey"
    r"|hello)\s?[,.!]+\s?"
    r"|(?:thanks|thank you|hi|hello|hey) (?=(?:and|but|what|who|when|where|why|how|is|are|any|tell)\b))+(?=\w)",
    re.IGNORECASE,
)
_NEWS: Final = re.compile(r"\b(?:news|headlines?|articles?|stories|happened|reports?)\b", re.IGNORECASE)
_LATEST: Final = re.compile(
    r"\b(?:latest|newest|recent(?:ly)?|headlines?|news|what(?:'s| is) new|anything new|top stor(?:y|ies)|today"
    r"|this (?:week|morning|month)|what(?:'s| is) (?:happening|going on)|what(?:'s| has) happened|up to date)\b",
    re.IGNORECASE,
)

# The frame of a question about news, none of which stands in an article that answers it.
_TALK_AROUND: Final = re.compile(
    r"\b(?:please|tell me|give me|show me|find me|let me know|do you (?:know|have)|can you|could you|would you"
    r"|i(?:'d| would) like to (?:know|hear|read)|i want to (?:know|hear|read)|is there|are there|any(?:thing)?"
    r"|some(?:thing)?|more|details?|information|info|about|regarding|concerning|latest|newest|recent(?:ly)?|news"
    r"|headlines?|stor(?:y|ies)|articles?|topics?|updates?|what(?:'s| is) new|happen(?:s|ed|ing)?"
    r"|going on|today|this (?:week|morning|month)|up to date|summar(?:y|ise|ize)(?: of)?|search(?: for)?|look up)\b",
    re.IGNORECASE,
)

_POINTS_BACK: Final = re.compile(
    r"\b(?:that|this|it|its|he|she|him|his|her|hers|they|them|their|theirs|those|these|the same"
    r"|(?<!is )(?<!are )(?<!was )(?<!were )there"
    r"|the (?:article|story|report|piece|event)|the (?:former|latter)(?=\W*$)|you (?:just )?(?:said|mentioned|told))\b",
    re.IGNORECASE,
)
_GOES_ON: Final = re.compile(r"^(?:(?:ok(?:ay)?|right|good|i see)[,. ]+)?(?:and|but|so|also|then)\b", re.IGNORECASE)
_DEFINITE: Final = re.compile(r"\bthe\b", re.IGNORECASE)

_MORE: Final = re.compile(
    r"\b(?:tell me more|more (?:details?|info(?:rmation)?|about (?:it|that|this)|on (?:it|that|this)|please)"
    r"|what else|anything else|in (?:more )?detail|summar(?:y|i[sz]e)|sum (?:it )?up)\b"
    r"|^(?:please |ok(?:ay)?,? )?(?:more|go on|continue|keep going|elaborate)\b[^?]{0,20}$",
    re.IGNORECASE,
)
_SOURCE: Final = re.compile(
    r"\b(?:your sources?|the sources?|what(?:'s| is) (?:the|your) source|where did you (?:read|get|find)"
    r"|who (?:reported|wrote) (?:that|this|it)|which article|source please|says who)\b"
    r"|\b(?:an?|the|your) link(?: please)?[\s?!.]*$",
    re.IGNORECASE,
)
_ORDINALS: Final = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "seventh": 6, "eighth": 7, "ninth": 8,
    "tenth": 9, "last": -1, "1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4,
}  # fmt: skip
_CHOICE: Final = re.compile(
    rf"\b({'|'.join(_ORDINALS)}) (?:one|story|article|headline|item|news)\b"
    r"|\b(?:number|no\.|story|article|headline|item) ([1-9])\b"
    rf"|^(?:(?:and|ok(?:ay)?|now|(?:what|how|more|tell me(?: more)?) about) )*(?:the )?({'|'.join(_ORDINALS)})[?!. ]*$",
    re.IGNORECASE,
)


def _small_talk(said: str) -> Kind | None:
    if not any(character.isalnum() for character in said):
        return "help"
    if len(said) > 120:
        return None
    if asks_what_was_said(said):
        return "recall"
    return next((kind for kind, pattern in _SMALL_TALK if pattern.search(said)), None)


_WANTS: Final[tuple[tuple[Wanted, re.Pattern[str]], ...]] = (
    ("source", _SOURCE),
    ("more", _MORE),
    ("who", re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)),
    ("how heavy", re.compile(r"\bhow heavy\b|\bweigh(?:s|t)?\b", re.IGNORECASE)),
    ("how fast", re.compile(r"\bhow (?:fast|quickly|quick)\b|\b(?:what|which) speed\b", re.IGNORECASE)),
    ("how old", re.compile(r"\bhow old\b|\bwhat age\b", re.IGNORECASE)),
    (
        "how long",
        re.compile(r"\bhow (?:long|much time|many (?:hours|minutes|days|weeks|months|years))\b", re.IGNORECASE),
    ),
    (
        "how far",
        re.compile(
            r"\bhow (?:far|high|deep|tall|wide|thick|big|large)\b|\bwhat (?:size|width|height|length|depth|distance)\b"
            r"|\bwhat is the (?:size|width|height|length|depth|distance)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "how much",
        re.compile(
            r"\bhow (?:much|expensive)\b.*\b(?:costs?|pay|paid|prices?|worth|charged?|spend|spent|earn|money)\b"
            r"|\bhow (?:expensive|much is (?:an?|the|it|one|that|this))\b|\b(?:prices?|costs?|fees?|fares?|salary)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "how many",
        re.compile(r"\bhow (?:many|much|often|full)\b|\bwhat (?:percentage|share|number|amount)\b", re.IGNORECASE),
    ),
    ("when", re.compile(r"\bwhen\b|\b(?:what|which) (?:day|date|year|month)\b", re.IGNORECASE)),
    ("where", re.compile(r"\bwhere\b|\b(?:which|what) (?:town|city|place|country|village)\b", re.IGNORECASE)),
    ("why", re.compile(r"\bwhy\b|\bhow come\b|\bwhat (?:caused|(?:is|was) the reason)\b", re.IGNORECASE)),
)


def _wants(said: str) -> Wanted:
    return next((wanted for wanted, pattern in _WANTS if pattern.search(said)), "")


def _choice(said: str) -> int | None:
    found = _CHOICE.search(said)
    if found is None:
        return None
    ordinal = found[1] or found[3]
    return _ORDINALS[ordinal.casefold()] if ordinal else int(found[2]) - 1
