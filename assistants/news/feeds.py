"""RSS and Atom feeds, and single web pages, into articles. The bytes are fetched by ``fetch``, never by the parser."""

from __future__ import annotations

import calendar
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import feedparser

from assistants.news.fetch import Fetched
from assistants.news.markup import TooDeep, check_depth, html_text
from assistants.news.passages import Article
from assistants.news.readers import Unreadable, clean_title, read_html, web_address

MOST_ENTRIES: Final = 500
MOST_PARSED: Final = 5_000
_ENTRY: Final = re.compile(r"<(?:\w+:)?(?:item|entry)\b", re.IGNORECASE)

Skipped = Callable[[str, str], None]
"""Told of each entry that gives no article: its name, and the reason."""


def articles_of(fetched: Fetched, skipped: Skipped) -> list[Article]:
    """The articles of what was fetched: each entry of a feed, or the page itself. Raises ``Unreadable``."""
    start = fetched.body[:1_000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return [_page(fetched)]
    _check_feed(fetched)
    # A stream, because the parser would take bytes for the name of a file if there were one of that name. Its cleaning
    # of HTML is left out: only words are taken from it here, by a parser that is bounded.
    parsed = feedparser.parse(
        io.BytesIO(fetched.body),
        response_headers={"content-type": fetched.content_type},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if parsed.get("version"):
        return _entries(parsed, fetched.url, skipped)
    if "html" in fetched.content_type.lower():
        return [_page(fetched)]
    raise Unreadable(fetched.url, "it is neither an RSS or Atom feed nor a web page")


def _check_feed(fetched: Fetched) -> None:
    """Raises ``Unreadable`` for what would keep the parser busy for minutes."""
    # Without the zeros of UTF-16, tags look alike in any character set.
    text = fetched.body.replace(b"\0", b"").decode("latin-1")
    entries = len(_ENTRY.findall(text))
    if entries > MOST_PARSED:
        raise Unreadable(fetched.url, f"it has {entries:,} entries; a feed may have {MOST_PARSED:,}")
    try:
        check_depth(text)
    except TooDeep as error:
        raise Unreadable(fetched.url, str(error)) from error


def _page(fetched: Fetched) -> Article:
    charset = fetched.content_type.lower().partition("charset=")[2].split(";")[0].strip(" \"'")
    article = read_html(fetched.body, fetched.url, urlsplit(fetched.url).path.rsplit("/", 1)[-1], charset)
    if not any(character.isalnum() for character in article.text):
        raise Unreadable(fetched.url, "there is no text in it; perhaps the page is drawn by a script")
    return Article(
        article.source,
        article.title,
        article.text,
        tidy_address(article.url or fetched.url),
        article.published,
        article.topic,
    )


def _entries(parsed: Any, feed_url: str, skipped: Skipped) -> list[Article]:
    entries: Sequence[Any] = parsed.entries
    if not entries:
        raise Unreadable(feed_url, "the feed has no entries")
    if len(entries) > MOST_ENTRIES:
        skipped(feed_url, f"it has {len(entries)} entries; only the first {MOST_ENTRIES} are read")
    topic = clean_title(str(parsed.feed.get("title", "")))
    articles: list[Article] = []
    for number, entry in enumerate(entries[:MOST_ENTRIES], start=1):
        try:
            title, text = _title(entry), _text(entry)
        except TooDeep as error:
            skipped(f"{feed_url}, entry {number}", str(error))
            continue
        if not any(character.isalnum() for character in text):
            skipped(f"{feed_url}, entry {number} ({title or 'untitled'})", "it has no text, only a link")
            continue
        url = tidy_address(web_address(urljoin(feed_url, str(entry.get("link", "")))) if entry.get("link") else "")
        name = str(entry.get("id") or "") or hashlib.sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()
        articles.append(
            Article(
                source=f"{feed_url}#{name[:500]}",
                title=title or clean_title(text[:80]),
                text=text,
                url=url,
                published=_published(entry),
                topic=_category(entry) or topic,
            )
        )
    return articles


def _title(entry: Any) -> str:
    return clean_title(html_text(str(entry.get("title", ""))[:1_000]))


def _text(entry: Any) -> str:
    contents = [str(part.get("value", "")) for part in entry.get("content", ())]
    return html_text(max([*contents, str(entry.get("summary", ""))], key=len))


def _category(entry: Any) -> str:
    tags = entry.get("tags") or ()
    return clean_title(str(tags[0].get("term") or "")) if tags else ""


def _published(entry: Any) -> str:
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    if not moment:
        return ""
    try:
        return datetime.fromtimestamp(calendar.timegm(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):  # a year beyond what a clock knows
        return ""


def tidy_address(url: str) -> str:
    """``url`` without its fragment and the tags that only count visitors, so that one article has one address."""
    if not url:
        return ""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not name.lower().startswith("utm_")]
    changed = urlencode(kept) if len(kept) < len(query) else parts.query
    return urlunsplit((parts.scheme, parts.netloc, parts.path, changed, ""))
