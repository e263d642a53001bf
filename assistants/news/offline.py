"""Replies without a model: sentences taken from the articles, with their sources."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from agent.offline import Answer, Ask
from agent.recall import what_was_said
from agent.retrieval import Index, Passage
from assistants.news.dates import spoken_date
from assistants.news.excerpts import Sentence, scored_sentences, shorten
from assistants.news.hooks import FOLLOWS, PARTS, remembered, today
from assistants.news.lookup import Earlier, Found, found_again, look_up, look_up_each
from assistants.news.questions import Wanted
from assistants.news.shelf import SHELF

MOST_SENTENCES: Final = 3
_LONGEST_SENTENCE: Final = 500


def reply(ask: Ask) -> Answer:
    """The reply, in Markdown. What it says of the news is quoted from the passages that were looked up."""
    return "\n\n".join(dict.fromkeys(_said(found, ask) for found in _found(ask)))


def _said(found: Found, ask: Ask) -> str:
    kind = found.question.kind
    if kind in _TALK:
        return _TALK[kind].format(about=_about(found.index))
    if kind == "recall":
        return what_was_said(ask.message, ask.history) or "We have only just begun."
    if kind == "latest":
        return _headlines(found)
    before = " ".join(text for role, text in ask.history if role == "ai")
    if not found.passages:
        return _nothing(found, again=_NOTHING_FOUND in before)
    if found.question.wants == "source":
        return _sources(found)
    if found.question.wants == "more" or (found.question.choice is not None and not found.question.wants):
        return _more(found, before)
    return _not_then(found) + _answer(found)


def _found(ask: Ask) -> list[Found]:
    """What the turn's hook looked up; without a turn it is looked up here, from the messages alone."""
    library = SHELF.library
    asked = [text for role, text in ask.history if role == "human"]
    previous = asked[-1] if asked else ""
    if ask.turn is not None and "sources" in ask.turn.data:
        day = today(ask.turn)
        ids = remembered(ask.turn) if ask.turn.data["sources"] else []
        whole = {"question": ask.message, "ids": ids, "follows": bool(ids) and bool(ask.turn.attributes.get(FOLLOWS))}
        found: list[Found] = []
        for part in ask.turn.data.get(PARTS) or [whole]:
            found.append(found_again(library, part["question"], part["ids"], part["follows"], previous, day))
            previous = part["question"]
        return found
    known = look_up(library, previous).passages if previous else ()
    earlier = Earlier([passage.id for passage in known], previous)
    return [found for _, found in look_up_each(library, ask.message, earlier, datetime.now(UTC).date())]


_TALK: Final = {
    "greeting": "Hello! {about} Ask me for the latest news, or about anything in particular.",
    "thanks": "You're welcome! Ask away if there is anything else you would like to know.",
    "goodbye": "Goodbye! Come back any time for more news.",
    "help": (
        "{about} Ask me:\n\n- *What are the latest news?*, or only those of one topic\n"
        "- a question on anything in them: who, what, where, how much\n"
        "- and then more about the answer: *When was that?*, *Who said that?*, *Tell me more*\n\n"
        "I answer from the articles alone and name my sources."
    ),
    "offtopic": "I only know what stands in the news articles. {about}",
}


def _about(index: Index) -> str:
    if not len(index):
        return "There are no articles yet."
    topics = [inert(topic) for topic in index.topics[:6]]
    named = f" ({', '.join(topics[:-1])} and {topics[-1]})" if len(topics) > 1 else ""
    count = index.documents
    return f"I know {count:,} news article{'s' if count != 1 else ''}{named}."


def _headlines(found: Found) -> str:
    topic, period = found.question.subject, found.question.period
    if not found.passages:
        return "There are no articles yet, so there is no news to tell."
    of = f" in {inert(topic)}" if topic else ""
    lines = [f"{number}. {_titled(passage)}" for number, passage in enumerate(found.passages, start=1)]
    if period and found.outside:
        head = f"I have no news{of} {period.said}. The latest{of}"
    else:
        head = f"The news{of} {period.said}" if period else f"The latest news{of}"
    one = len(lines) == 1
    return f"{head}:\n\n" + "\n".join(lines) + f"\n\nShall I tell you more about {'it' if one else 'one of them'}?"


def _not_then(found: Found) -> str:
    period = found.question.period
    return f"I found nothing on that {period.said}. The closest that I have: " if period and found.outside else ""


def _titled(passage: Passage) -> str:
    return f"*{inert(passage.title)}*, {spoken_date(passage.published)}"


def _source(passage: Passage) -> str:
    return f"(Source: {_titled(passage)})"


_NOTHING_FOUND: Final = "I found nothing relevant to that in the articles."


def _nothing(found: Found, *, again: bool) -> str:
    if found.question.choice is not None:
        return "I did not name that many articles. Which one do you mean?"
    if not found.question.telling and not found.follows:
        return f"I am not sure what you mean. {_about(found.index)} What would you like to know?"
    if again:
        return "The articles have nothing on that either. Ask me for the latest news, or name a topic."
    offers = [f"*{inert(passage.title)}*" for passage in found.index.newest(3)]
    offer = f" The newest ones are {', '.join(offers[:-1])} and {offers[-1]}." if len(offers) > 1 else ""
    return f"{_NOTHING_FOUND} {_about(found.index)}{offer}"


def _sources(found: Found) -> str:
    lines = []
    for passages in found.documents if not found.follows else found.documents[:1]:
        link = f": {passages[0].url}" if passages[0].url else ""
        lines.append(f"- {_titled(passages[0])}{link}")
    return "That came from:\n\n" + "\n".join(lines)


def _more(found: Found, said: str) -> str:
    first = found.documents[0]
    ranked = scored_sentences(found.index, first, found.query)
    heard = " ".join(said.split())
    fresh = [sentence for sentence in ranked if inert(sentence.text) not in heard]
    if not fresh:
        link = f" You can read it at {first[0].url}." if first[0].url else ""
        return f"That is all that the article says.{link} {_source(first[0])}"
    return f"{_joined(fresh[: MOST_SENTENCES + 1])} {_source(first[0])}"


def _answer(found: Found) -> str:
    wants = found.question.wants
    by_document = {passages[0].document: passages[0] for passages in found.documents}
    # The documents come best first; a later one must answer clearly better to be preferred.
    trust = {document: 0.85**rank for rank, document in enumerate(by_document)}
    ranked = scored_sentences(found.index, found.passages, found.query, wants)
    fitting = [sentence for sentence in ranked if sentence.fits] if wants in _MUST_FIT else []
    first = next(iter(by_document))
    # A follow-up is about the first of its documents; what another one says of it would be another matter.
    candidates = [sentence for sentence in fitting if sentence.document == first] or (not found.follows and fitting)
    best = max(candidates or ranked, key=lambda sentence: (sentence.score * trust[sentence.document], -sentence.place))
    passage = by_document[best.document]
    # "When was that?" wants the one date, and not all that there are.
    bare = found.follows and not found.question.telling and wants in _MUST_FIT
    chosen = _around(best, ranked, wants, most=1 if bare else MOST_SENTENCES)
    if found.follows:
        fits = any(sentence.fits for sentence in chosen)
        if wants in _NOT_SAID and not fits:
            return f"{_NOT_SAID[wants].format(date=spoken_date(passage.published))} {_source(passage)}"
        if found.question.telling and not best.share and not (wants and fits):
            return f"The article says nothing on that. {_source(passage)}"
    return f"{_joined(chosen)} {_source(passage)}"


# Dates and measures are recognised well enough to insist on them; names, places and reasons are not.
_MUST_FIT: Final[frozenset[Wanted]] = frozenset(
    {"when", "how much", "how long", "how far", "how heavy", "how fast", "how old", "how many"}
)
_NOT_SAID: Final[dict[Wanted, str]] = {
    "when": "The article gives no date for that; it was published on {date}.",
    "who": "The article does not say who.",
    **dict.fromkeys(_MUST_FIT - {"when"}, "The article gives no figure for that."),
}

_LEANS_ON_WHAT_WAS_SAID: Final = re.compile(
    r"^[\"\u201c]?(?:He|She|It|They|This|That|These|Those|His|Her|Its|Their|There|Then|Instead|Until|One|Both)\b"
    r"|[\"\u201d] (?:he|she|they) (?:said|says|adds?|added)\b"
)


def _around(best: Sentence, ranked: list[Sentence], wants: Wanted, most: int) -> list[Sentence]:
    """The best sentence with what it needs to be understood, and the next best if they are nearly as good."""
    own = [sentence for sentence in ranked if sentence.document == best.document]
    places = {best.place}
    if best.place and _LEANS_ON_WHAT_WAS_SAID.search(best.text):
        places.add(best.place - 1)
    others = sorted((s for s in own if s.place not in places), key=lambda s: (-s.score, s.place))
    for sentence in others:
        good = sentence.score >= 0.8 * best.score and (sentence.fits if wants in _MUST_FIT else sentence.share > 0)
        if len(places) < most and (good or (len(places) == 1 and len(best.text) < 60)):
            places.add(sentence.place)
    return [sentence for sentence in own if sentence.place in places]


def _joined(sentences: list[Sentence]) -> str:
    return " ".join(inert(shorten(sentence.text, _LONGEST_SENTENCE)) for sentence in sentences)


def inert(text: str) -> str:
    """Words of an article as words: nothing in them becomes a link, a picture or markup in the reply."""
    text = re.sub(r"!?\[([^\[\]]{0,300})\]\((?:[^()]|\([^()]*\))*\)", r"\1", text)
    return re.sub(r"[*`\[\]]|(?<!\w)_|_(?!\w)", "", text).replace("<", "\u2039").replace(">", "\u203a")
