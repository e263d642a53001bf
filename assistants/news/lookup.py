"""Which passages a message is answered from: found anew, or those of the last answer when it points back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from agent.library import Library
from agent.questions import questions_of
from agent.retrieval import Hit, Index, Passage
from assistants.news.periods import Period
from assistants.news.questions import Question, read_question

MOST_PASSAGES: Final = 5
LATEST: Final = 5

_SURE: Final = 0.6
_MOST_TOPICS: Final = 100
_SHORTEST_TOPIC: Final = 4
"""Letters of a topic's beginning that stand for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a message is answered from, best passage first.

    ``index`` is the one that was searched. ``query`` are the words to answer by; for a follow-up with those of the
    question before it. ``follows`` says that the passages are those of an earlier answer. No passages, and a message
    of kind ``question`` or ``latest``: nothing relevant was found. ``outside`` says that nothing was found in the
    period that the message names, and these are from another time.
    """

    index: Index
    question: Question
    query: str
    passages: tuple[Passage, ...] = ()
    follows: bool = False
    outside: bool = False

    @property
    def documents(self) -> list[list[Passage]]:
        """The passages by document, best document first, each in the order of its text."""
        grouped: dict[str, list[Passage]] = {}
        for passage in self.passages:
            grouped.setdefault(passage.document, []).append(passage)
        return [sorted(group, key=lambda passage: passage.place) for group in grouped.values()]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What went before a message: the ids of the passages of the last answer (best first), the ``message`` that it
    answered, and the ids of the openings of the articles that were listed last, as long as one may be pointed at."""

    remembered: Sequence[str] = ()
    message: str = ""
    listed: Sequence[str] = ()


NOTHING_BEFORE: Final = Earlier()


def look_up(library: Library, message: str, earlier: Earlier = NOTHING_BEFORE, today: date | None = None) -> Found:
    """What ``message`` is answered from. ``today`` is what "since Thursday" is counted from."""
    index = library.index()
    question = read(index, message, today)
    if question.kind == "latest":
        newest = index.newest(index.documents, question.subject)
        fitting = [passage for passage in newest if _is_in(passage, question.period)]
        return Found(index, question, "", tuple((fitting or newest)[:LATEST]), outside=not fitting)
    if question.kind != "question":
        return Found(index, question, "")
    query = words_to_search(question, message)
    hits = library.search(query, limit=2 * MOST_PASSAGES) if question.telling else []
    known = index.get(earlier.listed if question.choice is not None and earlier.listed else earlier.remembered)
    before = list(dict.fromkeys(passage.document for passage in known))
    if before and _points_back(index, question, query, hits, before):
        passages = _followed(index, question, query, known)
        return Found(index, question, _answered_by(question, query, earlier.message), passages, follows=True)
    vague = question.refers and not before and len(question.telling) < 2
    if vague and not any(_names(index, question, hit.passage.title) for hit in hits):
        return Found(index, question, query)  # it points back to nothing
    outside = False
    if question.period and hits:
        then = {each.document for each in index.passages if _is_in(each, question.period)}
        fitting_hits = library.search(query, limit=2 * MOST_PASSAGES, within=then) if then else []
        hits, outside = fitting_hits or hits, not fitting_hits
    return Found(index, question, query, _chosen(index, _near_the_best(hits)), outside=outside)


def look_up_each(
    library: Library, message: str, earlier: Earlier, today: date | None = None
) -> list[tuple[str, Found]]:
    """The questions of ``message`` (itself, where it is best read as a whole) with what each is answered from; each
    may point back to the one before it."""
    found: list[tuple[str, Found]] = []
    for question in questions_of(message) or [message]:
        this = look_up(library, question, earlier, today)
        found.append((question, this))
        ids = [passage.id for passage in this.passages]
        earlier = Earlier(ids or earlier.remembered, question, earlier.listed)
    return found


def _is_in(passage: Passage, period: Period | None) -> bool:
    return period is None or period.holds(passage.published)


def found_again(
    library: Library, message: str, ids: Sequence[str], follows: bool, previous: str = "", today: date | None = None
) -> Found:
    """What ``look_up`` found for the same message, from the ids of its passages; ``previous`` is the message before."""
    index = library.index()
    question = read(index, message, today)
    query = words_to_search(question, message)
    if follows:
        query = _answered_by(question, query, previous)
    passages = tuple(index.get(ids))
    outside = not follows and not any(_is_in(passage, question.period) for passage in passages)
    return Found(index, question, query, passages, follows, outside)


def read(index: Index, message: str, today: date | None = None) -> Question:
    """``message``, read. If all it names is a topic of the index (or its beginning: "tech"), it asks for the latest."""
    question = read_question(message, index.terms, today)
    asked = index.terms(question.subject)
    topic = next((topic for topic in index.topics[:_MOST_TOPICS] if _is_topic(asked, index.terms(topic))), "")
    return Question("latest", topic, period=question.period) if topic else question


def _is_topic(asked: Sequence[str], topic: Sequence[str]) -> bool:
    short = len(asked) == len(topic) == 1 and len(asked[0]) >= _SHORTEST_TOPIC and topic[0].startswith(asked[0])
    return bool(asked) and (list(asked) == list(topic) or short)


def _answered_by(question: Question, query: str, previous: str) -> str:
    """What to answer a follow-up by: its own words if they tell anything, else the question that it follows too."""
    return query if question.telling else f"{previous} {query}".strip()


def words_to_search(question: Question, message: str) -> str:
    """The message without the talk around what it is about."""
    return question.subject or message


def _points_back(index: Index, question: Question, query: str, hits: Sequence[Hit], before: Sequence[str]) -> bool:
    """Whether the message is about the documents of the last answer (``before``) rather than about what it found."""
    if question.choice is not None or not question.telling:
        return True
    weighed = index.weigh(query)
    here = max(index.document_coverage(weighed, document) for document in before)
    named_here = any(_names(index, question, index.document(document)[0].title) for document in before)
    elsewhere = next((hit for hit in hits if hit.passage.document not in before), None)
    covered = elsewhere.coverage if elsewhere is not None else 0.0
    named = elsewhere is not None and _names(index, question, elsewhere.passage.title)
    if question.refers:
        # "What about the comet, when can it be seen?" names its own subject.
        return 0 < here >= covered or (len(question.telling) <= 2 and not named)
    if question.goes_on:
        return here >= 0.5 and (here >= covered or not named)
    # "Who is the engineer?" says "the" of somebody spoken of, if there is one there and no article is about one.
    spoken_of = bool(question.wants) and question.definite
    return len(question.telling) == 1 and here >= _SURE and (named_here or not named or spoken_of)


def _names(index: Index, question: Question, title: str) -> bool:
    return not set(index.terms(title)).isdisjoint(question.telling)


def _followed(index: Index, question: Question, query: str, before: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages of the documents of the last answer (``before``), the document that is meant first."""
    order = list(dict.fromkeys(passage.document for passage in before))
    if question.choice is not None:
        if not -len(order) <= question.choice < len(order):
            return ()
        order = [order[question.choice]]
    elif question.telling:
        best = [hit.passage.document for hit in index.search(query, limit=5, within=order, least_coverage=0)]
        named = [document for document in best if _names(index, question, index.document(document)[0].title)]
        order = list(dict.fromkeys(named or [*best, *order]))
    passages: list[Passage] = []
    for document in order:
        passages.extend(_part(index, question, query, document, [p.place for p in before if p.document == document]))
    return tuple(passages[:MOST_PASSAGES])


def _part(index: Index, question: Question, query: str, document: str, places: Sequence[int]) -> list[Passage]:
    """The passages of a document for a follow-up: all of a short one, of a long one those around ``places``."""
    whole = index.document(document)
    if len(whole) <= MOST_PASSAGES or question.choice is not None:
        return whole[:MOST_PASSAGES]
    if question.wants == "more":
        return [passage for passage in whole if passage.place >= max(places)][:MOST_PASSAGES]
    hits = index.search(query, limit=3, within=[document], least_coverage=0) if question.telling else []
    near = [passage for passage in whole if any(abs(passage.place - place) <= 1 for place in places)]
    return list(dict.fromkeys([*(hit.passage for hit in hits), *near]))[:MOST_PASSAGES]


def _near_the_best(hits: Sequence[Hit]) -> list[Hit]:
    """Without the hits that are far behind the best one, by words and by meaning."""
    covered = max((hit.coverage for hit in hits), default=0.0)
    near = max((hit.similarity or 0.0 for hit in hits), default=0.0)
    return [
        hit
        for hit in hits
        if hit.coverage >= 0.6 * covered or (hit.similarity is not None and hit.similarity >= near - 0.08)
    ]


def _chosen(index: Index, hits: Sequence[Hit]) -> tuple[Passage, ...]:
    """The passages of ``hits``, and what stands beside the best one: the answer may be in the next paragraph."""
    chosen: dict[str, Passage] = {}
    for number, hit in enumerate(hits):
        chosen[hit.passage.id] = hit.passage
        if number == 0:
            for passage in index.document(hit.passage.document):
                if abs(passage.place - hit.passage.place) == 1:
                    chosen[passage.id] = passage
    return tuple(list(chosen.values())[:MOST_PASSAGES])
