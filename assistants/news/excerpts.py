"""The sentences of passages that answer best: for snippets, and for replies without a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.retrieval import Index, Passage, Weighed
from assistants.news.passages import sentences
from assistants.news.questions import Wanted

SNIPPET_CHARACTERS: Final = 240
_OF_THE_TITLE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage; ``place`` counts within its document.

    ``score`` says how well it answers (0 to about 1.6), ``share`` how much of the question is in it (0 to 1), ``fits``
    whether it has the kind of thing that is asked for.
    """

    text: str
    document: str
    place: int
    score: float
    share: float
    fits: bool


def scored_sentences(index: Index, passages: Iterable[Passage], question: str, wants: Wanted = "") -> list[Sentence]:
    """All sentences of ``passages`` in reading order, each with how well it answers ``question``.

    A sentence counts by what it shares with the question, what its neighbours share (the answer often stands next to
    the question's words), and whether it has what is asked for: a date, a name, a number. Words of the title count
    for little: they are what all of the article is about.
    """
    weighed = index.weigh(question)
    found: list[Sentence] = []
    for document, (title, texts) in _by_document(passages).items():
        about = frozenset(index.terms(title))
        weights = {term: w * _OF_THE_TITLE if term in about else w for term, w in weighed.weights.items()}
        lit = Weighed(weights, weighed.names)
        shares = [lit.share(frozenset(index.terms(text))) for text in texts]
        for place, text in enumerate(texts):
            around = max(shares[max(0, place - 1) : place] + shares[place + 1 : place + 2], default=0.0)
            fits = has_what_is_wanted(text, wants)
            score = shares[place] + 0.35 * around + (0.25 if fits and wants else 0.0) + (0.05 if place == 0 else 0.0)
            found.append(Sentence(text, document, place, score, shares[place], fits))
    return found


_NUMBER: Final = r"(?:\d|\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|several|many)\b)"
_MONEY: Final = r"(?:crowns?|pence|dollars?|euros?|pounds?|francs?|yen|cents?)\b"
_LENGTH: Final = r"(?:kilomet\w+|miles?|met(?:re|er)s?|centimet\w+|millimet\w+|feet|foot|inch\w*|light years)\b"
_TIME: Final = (
    r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|fortnight|months?|years?|decades?|centur\w+|summers?)\b"
)
_WEIGHT: Final = r"(?:grams?|kilograms?|kilos?|kg|tonnes?|tons?|pounds?)\b"
_SOME: Final = rf"{_NUMBER}[^.;]{{0,20}}?"

_FITS: Final[Mapping[Wanted, re.Pattern[str]]] = {
    "when": re.compile(
        r"(?<![/\w])(?:January|February|March|April|May|June|July|August|September|October|November|December"
        r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:1[5-9]|20)\d\d|spring|summer|autumn|winter|yesterday|century"
        r"|\d{1,2}:\d\d|years ago)\b"
    ),
    "who": re.compile(
        r"(?<=[\w,] )(?:[A-Z][\w'\u2019-]+ ){1,2}[A-Z][\w'\u2019-]+|^[A-Z][\w-]+ [A-Z][\w-]+"
        r"|\b(?:he|she|they) (?:said|says|adds?|added|explained|reported|announced)\b"
    ),
    "where": re.compile(
        r"\b(?:in|at|on|near|off|from|above|below|under|behind|between|opposite|to) (?:the |an? )?(?:[a-z]+ ){0,2}[A-Z]"
    ),
    "why": re.compile(
        r"\b(?:because|since|due to|owing to|reason|cause[sd]?|so that|in order|therefore|suspect|after|thanks to)\b",
        re.IGNORECASE,
    ),
    "how many": re.compile(
        r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|third|quarter|twice|double)\b"
    ),
    "how much": re.compile(rf"{_SOME}{_MONEY}|[$\u20ac\u00a3]\s?\d|\b(?:free|per cent)\b"),
    "how long": re.compile(_SOME + _TIME),
    "how far": re.compile(_SOME + _LENGTH),
    "how heavy": re.compile(rf"{_SOME}{_WEIGHT}|\bweigh"),
    "how fast": re.compile(rf"{_SOME}(?:{_LENGTH} (?:an|per) hour|km/h|mph|knots|{_TIME})"),
    "how old": re.compile(rf"{_SOME}{_TIME}|-year-old|, \d\d,|\bage[ds]?\b"),
}


def has_what_is_wanted(sentence: str, wants: Wanted) -> bool:
    """Whether ``sentence`` has the kind of thing that was asked for; any has where nothing particular was."""
    pattern = _FITS.get(wants)
    return pattern is None or bool(pattern.search(sentence))


def snippet(index: Index, passage: Passage, question: str) -> str:
    """One line of ``passage`` to show beside its title: its best sentence, and the next while there is room."""
    ranked = scored_sentences(index, [passage], question)
    if not ranked:
        return ""
    best = max(ranked, key=lambda sentence: (sentence.score, -sentence.place))
    line = best.text
    for following in ranked[best.place + 1 :]:
        if len(line) + len(following.text) >= SNIPPET_CHARACTERS:
            break
        line = f"{line} {following.text}"
    return shorten(line, SNIPPET_CHARACTERS)


def shorten(text: str, most: int) -> str:
    """``text`` cut at a word, with an ellipsis, where it is longer than ``most`` characters."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut[most // 2 :] else cut}\u2026"


def _by_document(passages: Iterable[Passage]) -> dict[str, tuple[str, Sequence[str]]]:
    """Title and sentences of each document, in the order of the passages."""
    grouped: dict[str, list[Passage]] = {}
    for passage in passages:
        grouped.setdefault(passage.document, []).append(passage)
    return {
        document: (
            group[0].title,
            [
                sentence
                for passage in sorted(group, key=lambda passage: passage.place)
                for paragraph in passage.text.split("\n\n")
                for sentence in sentences(paragraph)
            ],
        )
        for document, group in grouped.items()
    }
