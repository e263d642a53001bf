"""An article, its sentences, and its passages: the pieces that are searched."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.retrieval import Passage

TARGET_CHARACTERS: Final = 650
"""A passage is closed when it is about this long (some 110 words)."""

MOST_CHARACTERS: Final = 1_600
"""No passage is longer; a sentence that is gets cut."""

MOST_PASSAGES: Final = 400
"""Of one article. What comes after is not indexed."""


@dataclass(frozen=True, slots=True)
class Article:
    """What a reader or a feed got out of a source, as plain text with a blank line between paragraphs.

    ``source`` is where it came from (a file URI or an address) and is never shown; ``url`` is http(s) or empty.
    ``published`` is ISO 8601 (a date or a time in UTC) or empty.
    """

    source: str
    title: str
    text: str
    url: str = ""
    published: str = ""
    topic: str = ""

    @property
    def key(self) -> str:
        """What makes it the same article when it comes again: its address, else its source."""
        return self.url or self.source

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits of its key."""
        return hashlib.sha256(self.key.encode("utf-8", "replace")).hexdigest()[:12]

    @property
    def digest(self) -> str:
        """The same for two articles with the same words, whatever their spacing and case."""
        words = " ".join(self.text.split()).casefold()
        return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


def passages_of(article: Article) -> list[Passage]:
    """``article`` in passages of whole sentences that follow its paragraphs where they can."""
    texts = list(_pieces(article.text))[:MOST_PASSAGES]
    # A last line on its own says little; it goes with what it follows.
    if len(texts) > 1 and len(texts[-1]) < TARGET_CHARACTERS // 4 and len(texts[-2]) + len(texts[-1]) < MOST_CHARACTERS:
        texts[-2:] = [f"{texts[-2]}\n\n{texts[-1]}"]
    return [
        Passage(
            id=f"{article.id}-{place}",
            document=article.id,
            title=article.title,
            text=text,
            url=article.url,
            published=article.published,
            topic=article.topic,
            place=place,
        )
        for place, text in enumerate(texts)
    ]


def _pieces(text: str) -> Iterator[str]:
    kept = ""
    for paragraph in re.split(r"\n\s*\n", text):
        gap = "\n\n"
        for sentence in sentences(paragraph):
            for start in range(0, len(sentence), MOST_CHARACTERS):
                part = sentence[start : start + MOST_CHARACTERS]
                if kept and len(kept) + len(part) > TARGET_CHARACTERS:
                    yield kept
                    kept = ""
                kept = f"{kept}{gap}{part}" if kept else part
                gap = " "
    if kept:
        yield kept


_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Rev|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|No|Nos|vs|etc|approx|ca|cf|Inc|Ltd|Co|Corp"
    r"|e\.g|i\.e|a\.m|p\.m|U\.S|U\.K|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|\b[A-Z])\.$"
)
_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]")


def sentences(text: str) -> list[str]:
    """The sentences of ``text``, spaces tidied. A quotation stays with who said it: ``"It is," said she.`` is one."""
    tidy = " ".join(text.split())
    found: list[str] = []
    start = 0
    for match in _END.finditer(tidy):
        following = tidy[match.end() : match.end() + 2].lstrip()[:1]
        # A small letter goes on with the sentence ('"Stop!" she said'); an abbreviation does not end one.
        if following.islower() or _ABBREVIATION.search(tidy[max(start, match.end() - 12) : match.end()]):
            continue
        found.append(tidy[start : match.end()].strip())
        start = match.end()
    found.append(tidy[start:].strip())
    return [sentence for sentence in found if sentence]
