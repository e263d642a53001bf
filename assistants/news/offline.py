"""Replies without a model: sentences taken from the articles, with their sources."""

from __future__ import annotations

import re
from typing import Final

from agent.offline import Answer, Ask
from agent.retrieval import Index, Passage
from assistants.news.dates import spoken_date
from assistants.news.excerpts import Sentence, scored_sentences, shorten
from assistants.news.hooks import FOLLOWS, remembered
from assistants.news.lookup import Found, found_again, look_up
from assistants.news.questions import Wanted
from assistants.news.shelf import SHELF

MOST_SENTENCES: Final = 3
_LONGEST_SENTENCE: Final = 500


def reply(ask: Ask) -> Answer:
    """The reply, in Markdown. What it says of the news is quoted from the passages that were looked up."""
    found = _found(ask)
    kind = found.question.kind
    if kind in _TALK:
        return _TALK[kind].format(about=_about(found.index))
    if kind == "latest":
        return _headlines(found)
    if not found.passages:
        return _nothing(found)
    if found.question.wants == "source":
        return _sources(found)
    if found.question.wants == "more" or (found.question.choice is not None and not found.question.wants):
        said = " ".join(text for role, text in ask.history if role == "ai")
        return _more(found, said)
    return _answer(found)


def _found(ask: Ask) -> Found:
    """What the turn's hook looked up; without a turn it is looked up here, from the messages alone."""
    library = SHELF.library
    asked = [text for role, text in ask.history if role == "human"]
    previous = asked[-1] if asked else ""
    if ask.turn is not None and "sources" in ask.turn.data:
        ids = remembered(ask.turn) if ask.turn.data["sources"] else []
        follows = bool(ids) and bool(ask.turn.attributes.get(FOLLOWS))
        return found_again(library, ask.message, ids, follows, previous)
    known = look_up(library, previous).passages if previous else ()
    return look_up(library, ask.message, [passage.id for passage in known], previous)


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
    return f"I know {index.documents} news articles{named}."


def _headlines(found: Found) -> str:
    topic = found.question.subject
    if not found.passages:
        return "There are no articles yet, so there is no news to tell."
    of = f" in {inert(topic)}" if topic else ""
    lines = [f"{number}. {_titled(passage)}" for number, passage in enumerate(found.passages, start=1)]
    return f"The latest news{of}:\n\n" + "\n".join(lines) + "\n\nShall I tell you more about one of them?"


def _titled(passage: Passage) -> str:
    return f"*{inert(passage.title)}*, {spoken_date(passage.published)}"


def _source(passage: Passage) -> str:
    return f"(Source: {_titled(passage)})"


def _nothing(found: Found) -> str:
    if found.question.choice is not None:
        return "I did not name that many articles. Which one do you mean?"
    if not found.question.telling and not found.follows:
        return f"I am not sure what you mean. {_about(found.index)} What would you like to know?"
    offers = [f"*{inert(passage.title)}*" for passage in found.index.newest(3)]
    offer = f" The newest ones are {', '.join(offers[:-1])} and {offers[-1]}." if len(offers) > 1 else ""
    return f"I found nothing relevant to that in the articles. {_about(found.index)}{offer}"


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
    chosen = _around(best, ranked, wants)
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


def _around(best: Sentence, ranked: list[Sentence], wants: Wanted) -> list[Sentence]:
    """The best sentence with what it needs to be understood, and the next best if they are nearly as good."""
    own = [sentence for sentence in ranked if sentence.document == best.document]
    places = {best.place}
    if best.place and _LEANS_ON_WHAT_WAS_SAID.search(best.text):
        places.add(best.place - 1)
    others = sorted((s for s in own if s.place not in places), key=lambda s: (-s.score, s.place))
    for sentence in others:
        good = sentence.score >= 0.8 * best.score and (sentence.fits if wants in _MUST_FIT else sentence.share > 0)
        if len(places) < MOST_SENTENCES and (good or (len(places) == 1 and len(best.text) < 60)):
            places.add(sentence.place)
    return [sentence for sentence in own if sentence.place in places]


def _joined(sentences: list[Sentence]) -> str:
    return " ".join(inert(shorten(sentence.text, _LONGEST_SENTENCE)) for sentence in sentences)


def inert(text: str) -> str:
    """Words of an article as words: nothing in them becomes a link, a picture or markup in the reply."""
    text = re.sub(r"!?\[([^\[\]]{0,300})\]\((?:[^()]|\([^()]*\))*\)", r"\1", text)
    return re.sub(r"[*`\[\]]|(?<!\w)_|_(?!\w)", "", text).replace("<", "\u2039").replace(">", "\u203a")
