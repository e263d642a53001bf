"""Files into articles: Markdown, HTML, PDF and plain text, whatever their character set.

``read_file`` either returns an article or raises ``Unreadable`` with a reason that a person can act on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import charset_normalizer
import yaml
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from assistants.news.markup import MOST_TEXT, TooDeep, parse, text_of, tidy
from assistants.news.passages import Article

MOST_BYTES: Final = 20 * 1024 * 1024
MOST_PAGES: Final = 500
_FRONT_MATTER_LINES: Final = 100


class Unreadable(Exception):
    """A source that gives no article. ``reason`` finishes the sentence "it was skipped because …"."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


def read_file(path: Path) -> Article:
    """The article in a file, by its ending. Raises ``Unreadable``."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise Unreadable(str(path), f"it is not a Markdown, HTML, PDF or text file ({', '.join(sorted(_READERS))})")
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise Unreadable(str(path), f"it has {size:,} bytes, more than {MOST_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(str(path), f"it cannot be read ({error.strerror or error})") from error
    source = path.resolve().as_uri()
    article = reader(data, source, path.stem)
    if not any(character.isalnum() for character in article.text):
        raise Unreadable(str(path), "there is no text in it")
    return article


def readable(path: Path) -> bool:
    """Whether a file's ending is one that is read at all."""
    return path.suffix.lower() in _READERS


def read_markdown(data: bytes, source: str, name: str) -> Article:
    """Markdown, with YAML front matter (title, url, published or date, topic or category) where there is some."""
    matter, body = _front_matter(decode(data, source))
    page = _page(MarkdownIt("commonmark").render(body[:MOST_TEXT]), source)
    heading = page.css_first("h1")
    title = matter.get("title", "")
    if not title and heading is not None:
        title = heading.text(strip=True)
    if heading is not None and heading.text(strip=True) == title:
        heading.decompose()
    return Article(
        source,
        clean_title(title) or _title_from_name(name),
        text_of(page.body),
        web_address(matter.get("url", matter.get("link", ""))),
        iso_date(matter.get("published", matter.get("date", ""))),
        clean_title(matter.get("topic", matter.get("category", ""))),
    )


def read_html(data: bytes, source: str, name: str, charset: str = "") -> Article:
    """A page: its main text without menus and scripts; title, date and address from its metadata where it has them."""
    page = _page(decode(data, source, charset or _declared_charset(data)), source)

    def meta(*names: str) -> str:
        for wanted in names:
            node = page.css_first(f'meta[property="{wanted}"], meta[name="{wanted}"], meta[itemprop="{wanted}"]')
            if node is not None and node.attributes.get("content"):
                return node.attributes["content"] or ""
        return ""

    def attribute(selector: str, wanted: str) -> str:
        node = page.css_first(selector)
        return (node.attributes.get(wanted) or "") if node is not None else ""

    def words(selector: str) -> str:
        node = page.css_first(selector)
        return node.text(strip=True) if node is not None else ""

    title = meta("og:title") or words("h1") or words("title")
    url = web_address(attribute('link[rel="canonical"]', "href")) or web_address(meta("og:url"))
    published = meta("article:published_time", "datePublished", "date", "dc.date") or attribute(
        "time[datetime]", "datetime"
    )
    topic = meta("article:section")
    main = max(
        page.css("article") or page.css("main") or page.css("body"),
        key=lambda node: len(node.text()),
        default=page.body,
    )
    return Article(
        source,
        clean_title(title) or _title_from_name(name),
        text_of(main),
        url,
        iso_date(published),
        clean_title(topic),
    )


def read_pdf(data: bytes, source: str, name: str) -> Article:
    """The text layer of a PDF (a scan has none), and its title and date where it tells them."""
    from pypdf import PdfReader  # slow to import, and a server that has its index never needs it

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(source, "it is encrypted; save a copy without a password")
        if len(reader.pages) > MOST_PAGES:
            raise Unreadable(source, f"it has {len(reader.pages)} pages, more than {MOST_PAGES}")
        parts: list[str] = []
        length = 0
        for page in reader.pages:
            parts.append(page.extract_text())
            length += len(parts[-1])
            if length > MOST_TEXT:
                break
        metadata = reader.metadata
        title = (metadata.title if metadata else None) or ""
        created = metadata.creation_date if metadata else None
    except Unreadable:
        raise
    # pypdf walks whatever the file claims to be, and a broken one ends in nearly any exception.
    except Exception as error:
        raise Unreadable(source, f"it is not a PDF that can be read ({type(error).__name__}: {error})"[:300]) from error
    text = tidy(re.sub(r"(?<=\w)-\n(?=[a-z])", "", "\n\n".join(parts)), join_lines=True)
    if not text:
        raise Unreadable(source, "there is no text in it; a scan needs text recognition first")
    return Article(
        source,
        clean_title(title) or _first_line(text) or _title_from_name(name),
        text,
        published=created.date().isoformat() if created else "",
    )


def read_text(data: bytes, source: str, name: str) -> Article:
    """Plain text; a short first line that stands alone is its title."""
    text = tidy(decode(data, source))
    head, _, rest = text.partition("\n")
    if rest.strip() and len(head) <= 120 and not head.rstrip().endswith((".", "!", "?", ",", ";", ":")):
        return Article(source, clean_title(head), rest.strip())
    return Article(source, _title_from_name(name), text)


_READERS: Final[Mapping[str, Callable[[bytes, str, str], Article]]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".pdf": read_pdf,
    ".txt": read_text,
    ".text": read_text,
}


def decode(data: bytes, source: str, charset: str = "") -> str:
    """Text out of bytes: byte order mark, then UTF-8, then ``charset`` as declared, then the best guess.

    Raises ``Unreadable`` for what is no text at all. UTF-8 comes before the declaration because it hardly ever fits by
    accident, while declarations are often wrong.
    """
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode_other(data, source, charset)
    if text.count("\x00") > len(text) // 1_000:
        raise Unreadable(source, "it is not text, whatever its name says")
    return text.replace("\x00", "")


def _decode_other(data: bytes, source: str, charset: str) -> str:
    if charset:
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            pass  # declared wrongly: guess
    if data.count(b"\x00") > len(data) // 1_000:
        raise Unreadable(source, "it is not text, whatever its name says")
    guess = charset_normalizer.from_bytes(data[:200_000]).best()
    return data.decode(guess.encoding if guess is not None else "cp1252", "replace")


def iso_date(value: str) -> str:
    """A date, however it is written, as ISO 8601 in UTC (``2026-05-03`` or ``2026-05-03T10:00:00Z``), or ""."""
    value = value.strip()
    if not value:
        return ""
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    for as_written in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = as_written(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else ""
    return ""


def web_address(value: str) -> str:
    """``value`` if it is an http(s) address that may be shown as a link, else ""."""
    value = value.strip()
    if len(value) > 2_000 or any(character.isspace() or ord(character) < 32 for character in value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.hostname else ""


def clean_title(value: str) -> str:
    """One line without control characters, at most 300 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:300]


def _page(markup: str, source: str) -> LexborHTMLParser:
    try:
        return parse(markup)
    except TooDeep as error:
        raise Unreadable(source, str(error)) from error


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    lines = text.lstrip("\ufeff").split("\n")
    if not lines or lines[0].strip() != "---":
        return {}, text
    for number, line in enumerate(lines[1:_FRONT_MATTER_LINES], start=1):
        if line.strip() in ("---", "..."):
            try:
                fields = yaml.safe_load("\n".join(lines[1:number]))
            except (yaml.YAMLError, ValueError):  # ValueError: a date such as 2026-02-31
                fields = None
            body = "\n".join(lines[number + 1 :])
            if not isinstance(fields, dict):
                return {}, body
            return {str(key).lower(): _scalar(value) for key, value in fields.items()}, body
    return {}, text


def _scalar(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    # Lists and mappings are nothing that is asked for here, and an alias can make them enormous.
    return str(value) if isinstance(value, (str, int, float)) else ""


def _declared_charset(data: bytes) -> str:
    found = re.search(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", data[:4_096])
    return found.group(1).decode("ascii") if found else ""


def _title_from_name(name: str) -> str:
    return clean_title(re.sub(r"[-_]+", " ", name)).strip().capitalize() or "Untitled"


def _first_line(text: str) -> str:
    first = text.split("\n", 1)[0].split(". ", 1)[0]
    return clean_title(first) if len(first) <= 120 else ""
