"""RSS, Atom and pages into articles."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.news.feeds import MOST_ENTRIES, articles_of, tidy_address
from assistants.news.fetch import Fetched
from assistants.news.passages import Article
from assistants.news.readers import Unreadable

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Coast News</title><link>https://news.example/</link>
<item><title>Owls &amp; voles</title><link>/owls?utm_source=rss&amp;id=7#top</link><guid>g1</guid>
  <category>science</category><pubDate>Sun, 03 May 2026 10:00:00 +0200</pubDate>
  <description>Short.</description>
  <content:encoded><![CDATA[<p>Owls <b>are back</b> in Merrowdale.</p><script>x()</script><p>Café voles too.</p>]]>
  </content:encoded></item>
<item><title>Only a link</title><link>https://news.example/link</link></item>
<item><title>Bad link</title><link>javascript:alert(1)</link><description>Some words here.</description></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom News</title><id>urn:x</id>
<entry><title type="html">&lt;b&gt;Herring&lt;/b&gt; quota</title><id>urn:1</id>
<link href="https://news.example/herring"/><updated>2026-09-01T08:00:00Z</updated>
<summary>Fishermen may catch less.</summary></entry></feed>"""


def read(body: str | bytes, content_type: str = "") -> tuple[list[Article], list[tuple[str, str]]]:
    skipped: list[tuple[str, str]] = []
    data = body.encode() if isinstance(body, str) else body
    fetched = Fetched("https://news.example/feed", content_type, data)
    return articles_of(fetched, lambda name, reason: skipped.append((name, reason))), skipped


def test_an_rss_feed() -> None:
    articles, skipped = read(RSS)
    owls, bad = articles
    assert owls.title == "Owls & voles"
    assert owls.text == "Owls are back in Merrowdale.\n\nCafé voles too."
    assert owls.url == "https://news.example/owls?id=7"
    assert owls.published == "2026-05-03T08:00:00Z"
    assert owls.topic == "science"
    assert (bad.url, bad.topic) == ("", "Coast News")
    assert [reason for _, reason in skipped] == ["it has no text, only a link"]
    assert "Only a link" in skipped[0][0]


def test_an_atom_feed() -> None:
    [herring], skipped = read(ATOM, "application/atom+xml")
    assert (herring.title, herring.url, herring.published) == (
        "Herring quota",
        "https://news.example/herring",
        "2026-09-01T08:00:00Z",
    )
    assert skipped == []


def test_a_feed_in_another_character_set() -> None:
    body = RSS.replace('encoding="utf-8"', 'encoding="iso-8859-1"').encode("iso-8859-1")
    articles, _ = read(body, "text/xml")
    assert "Café voles" in articles[0].text


def test_a_broken_feed_gives_what_can_be_read() -> None:
    articles, _ = read(RSS.replace("</channel></rss>", "<item><title>cut o"))
    assert articles[0].title == "Owls & voles"


def test_a_page_is_an_article() -> None:
    [page], _ = read("<html><title>Owls</title><body><p>They are back.</p></body></html>", "text/html; charset=utf-8")
    assert (page.title, page.text, page.url) == ("Owls", "They are back.", "https://news.example/feed")


def test_a_page_in_the_character_set_of_its_header() -> None:
    [page], _ = read("<p>Größe und Käfer, ein Satz</p>".encode("iso-8859-1"), "text/html; charset=ISO-8859-1")
    assert page.text == "Größe und Käfer, ein Satz"


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        ('{"not": "a feed"}', "application/json", "neither"),
        ("", "", "neither"),
        ("<rss version='2.0'><channel><title>x</title></channel></rss>", "text/xml", "no entries"),
        ("<html><script>draw()</script></html>", "text/html", "drawn by a script"),
        ("<rss version='2.0'><channel>" + "<item></item>" * 6_000, "text/xml", "a feed may have 5,000"),
        ("<rss version='2.0'><channel>" + "<b></p>" * 9_000, "text/xml", "nested deeper"),
        ("<html>" + "<div>" * 50_000, "text/html", "nested deeper"),
    ],
)
def test_what_gives_no_article_says_why(body: str, content_type: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body, content_type)
    assert reason in caught.value.reason


def test_a_feed_with_unclosed_paragraphs_in_many_entries_is_read() -> None:
    item = f"<item><title>T</title><description><![CDATA[{'<p>words<br>' * 50}]]></description></item>"
    articles, _ = read(f"<rss version='2.0'><channel>{item * 400}</channel></rss>")
    assert len(articles) == 400


def test_one_hostile_entry_does_not_cost_the_others() -> None:
    deep = f"<item><title>Deep</title><description><![CDATA[{'<div>' * 20_000}]]></description></item>"
    articles, skipped = read(RSS.replace("</channel>", f"{deep}</channel>"))
    assert len(articles) == 2
    assert "nested deeper" in skipped[-1][1]


def test_a_feed_of_more_entries_than_are_read_says_so() -> None:
    items = "".join(
        f"<item><title>T{n}</title><description>Words {n}.</description></item>" for n in range(MOST_ENTRIES + 5)
    )
    articles, skipped = read(f"<rss version='2.0'><channel>{items}</channel></rss>")
    assert len(articles) == MOST_ENTRIES
    assert "only the first" in skipped[0][1]


def test_bytes_are_never_taken_for_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.xml").write_text(RSS)
    with pytest.raises(Unreadable):
        read(b"secret.xml")


def test_entities_that_multiply_cost_nothing(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    inside = "<channel><item><title>&e9;</title></item></channel>"
    bomb = f'<!DOCTYPE r [<!ENTITY e0 "lol">{levels}]><rss version="2.0">{inside}</rss>'
    outside = f'<!DOCTYPE r [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>' + RSS.partition("?>")[2].replace(
        "Short.", "&x;"
    )
    (tmp_path / "secret").write_text("the secret")
    started = time.perf_counter()
    with suppress(Unreadable):
        read(bomb)
    articles, _ = read(outside)
    assert time.perf_counter() - started < 5
    assert "secret" not in "".join(article.text for article in articles)


@pytest.mark.parametrize("piece", ["<item>", "<item><title>x</title></item>", "&lt;", "<![CDATA[", "<a:b>", "<b></p>"])
def test_a_hostile_feed_takes_little_time(piece: str) -> None:
    started = time.perf_counter()
    with suppress(Unreadable):
        read(f"<rss version='2.0'><channel>{piece * (5_000_000 // len(piece))}")
    assert time.perf_counter() - started < 10


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(Unreadable):
        read(data)


def test_one_article_has_one_address() -> None:
    assert tidy_address("https://a.example/x?utm_source=a&b=c&UTM_medium=d#part") == "https://a.example/x?b=c"
    assert tidy_address("https://a.example/x?q=%C3%A9+1") == "https://a.example/x?q=%C3%A9+1"
    assert tidy_address("") == ""
