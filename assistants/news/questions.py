"""What kind of message it is: read from its words alone, before anything is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from agent.terms import Terms

Kind = Literal["greeting", "thanks", "goodbye", "help", "offtopic", "latest", "question"]
Wanted = Literal["", "when", "who", "where", "how many", "why", "more", "source"]
"""What sort of thing would answer it."""

MOST_CHARACTERS: Final = 2_000
"""Of a message, no more is read for its kind; what is searched for is bounded elsewhere."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message, read.

    ``subject`` is what it is about: its words without the talk around it ("what is the latest on …"); ``telling`` are
    its terms that are not everyday words. ``refers`` says that it points back ("that", "he", "and when?"); ``choice``
    which of the articles named before it points at ("the second one" is 1, "the last one" -1), else None.
    """

    kind: Kind
    subject: str
    telling: tuple[str, ...] = ()
    wants: Wanted = ""
    refers: bool = False
    choice: int | None = None


def read_question(message: str, terms: Terms) -> Question:
    """``message``, read. Pure; any text will do."""
    said = " ".join(message[:MOST_CHARACTERS].split())
    talk = _small_talk(said)
    if talk is not None:
        return Question(talk, "")
    latest = bool(_LATEST.search(said))
    subject = _TALK_AROUND.sub(" ", said).strip(" ?!.,;:-")
    telling = tuple(dict.fromkeys(term for term in terms(subject) if term not in terms.everyday))
    wants = _wants(said)
    choice = _choice(said)
    refers = choice is not None or bool(_POINTS_BACK.search(said)) or wants in ("more", "source")
    if latest and not telling and not (refers and wants):
        return Question("latest", "")
    return Question("question", subject, telling, wants, refers, choice)


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
            r"|(?:which|what) (?:topics?|subjects?|sections?|categories)(?: .{0,60})?)" + _EDGE,
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
    r"|headlines?|stor(?:y|ies)|articles?|reports?|reported|topics?|updates?|what(?:'s| is) new|happen(?:s|ed|ing)?"
    r"|going on|today|this (?:week|morning|month)|up to date|summar(?:y|ise|ize)(?: of)?|search(?: for)?|look up)\b",
    re.IGNORECASE,
)

_POINTS_BACK: Final = re.compile(
    r"^(?:and|but|so|also|then)\b"
    r"|\b(?:that|this|it|its|he|she|him|his|her|hers|they|them|their|theirs|there|those|these|the same"
    r"|the (?:article|story|report|piece|event|former|latter)|you (?:just )?(?:said|mentioned|told)|above|earlier)\b",
    re.IGNORECASE,
)
_MORE: Final = re.compile(
    r"\b(?:tell me more|more (?:details?|info(?:rmation)?|about (?:it|that|this)|on (?:it|that|this)|please)"
    r"|go on|continue|keep going|what else|anything else|elaborate|expand on|in (?:more )?detail)\b|^more[\s!?.]*$",
    re.IGNORECASE,
)
_SOURCE: Final = re.compile(
    r"\b(?:your sources?|the sources?|what(?:'s| is) (?:the|your) source|where did you (?:read|get|find)"
    r"|who (?:reported|wrote) (?:that|this|it)|which article|(?:a |the )?link|source please|says who)\b",
    re.IGNORECASE,
)
_CHOICE: Final = re.compile(
    r"\b(first|second|third|fourth|fifth|last|1st|2nd|3rd|4th|5th) (?:one|story|article|headline|item|news)\b"
    r"|\b(?:number|no\.|story|article|headline|item) ([1-5])\b",
    re.IGNORECASE,
)
_ORDINALS: Final = {
    "first": 0, "1st": 0, "1": 0, "second": 1, "2nd": 1, "2": 1, "third": 2, "3rd": 2, "3": 2,
    "fourth": 3, "4th": 3, "4": 3, "fifth": 4, "5th": 4, "5": 4, "last": -1,
}  # fmt: skip


def _small_talk(said: str) -> Kind | None:
    if not any(character.isalnum() for character in said):
        return "help"
    if len(said) > 120:
        return None
    return next((kind for kind, pattern in _SMALL_TALK if pattern.search(said)), None)


_WANTS: Final[tuple[tuple[Wanted, re.Pattern[str]], ...]] = (
    ("source", _SOURCE),
    ("more", _MORE),
    ("who", re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)),
    (
        "how many",
        re.compile(
            r"\bhow (?:many|much|long|far|old|high|deep|big|large|wide|tall|fast|heavy|often|quickly|expensive)\b"
            r"|\bwhat (?:percentage|share|number|amount|price|cost|size|width|height|length)\b|\bcosts?\b",
            re.IGNORECASE,
        ),
    ),
    ("when", re.compile(r"\bwhen\b|\b(?:what|which) (?:day|date|year|month)\b", re.IGNORECASE)),
    ("where", re.compile(r"\bwhere\b|\b(?:which|what) (?:town|city|place|country|village)\b", re.IGNORECASE)),
    ("why", re.compile(r"\bwhy\b|\bhow come\b|\bwhat (?:caused|(?:is|was) the reason)\b", re.IGNORECASE)),
)


def _wants(said: str) -> Wanted:
    return next((wanted for wanted, pattern in _WANTS if pattern.search(said)), "")


def _choice(said: str) -> int | None:
    found = _CHOICE.search(said)
    return _ORDINALS[(found[1] or found[2]).casefold()] if found else None
