"""Files into articles, whatever their kind and character set."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st

from assistants.news.markup import TooDeep, html_text
from assistants.news.readers import (
    Unreadable,
    iso_date,
    read_file,
    read_html,
    read_markdown,
    read_text,
    web_address,
)


def test_markdown_with_front_matter() -> None:
    article = read_markdown(
        b'---\ntitle: "Herring: quota cut"\nurl: https://news.example/a\npublished: 2026-05-03\ntopic: economy\n---\n\n'
        b"# Herring: quota cut\n\nFishermen may catch **40 per cent** [less](https://x.example).\n\n- one\n- two\n",
        "file:///a.md",
        "a",
    )
    assert article.title == "Herring: quota cut"
    assert article.url == "https://news.example/a"
    assert article.published == "2026-05-03"
    assert article.topic == "economy"
    assert article.text == "Fishermen may catch 40 per cent less.\n\none\n\ntwo"


def test_markdown_without_front_matter_takes_its_heading_else_its_name() -> None:
    assert read_markdown(b"# The owls\n\nText.", "file:///x", "x").title == "The owls"
    assert read_markdown(b"Only text.", "file:///x", "marsh-owl_census").title == "Marsh owl census"


@pytest.mark.parametrize(
    "matter",
    [
        "title: [unclosed",
        "- a\n- list",
        "published: 2026-02-31",
        "title: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "title: !!python/object/apply:os.system ['true']",
    ],
)
def test_broken_or_hostile_front_matter_costs_no_more_than_itself(matter: str) -> None:
    article = read_markdown(f"---\n{matter}\n---\nThe text.".encode(), "file:///x", "the-name")
    assert article.text == "The text."
    assert article.title == "The name"
    assert article.published == ""


def test_a_front_matter_without_end_is_text() -> None:
    assert "title" in read_markdown(b"---\ntitle: x\n\nThe text.", "file:///x", "n").text


HTML = """<!doctype html><html><head><title>Site | Owls</title><meta charset="CHARSET">
<meta property="og:title" content="Owls return"><link rel="canonical" href="https://news.example/owls">
<meta property="article:published_time" content="2026-05-03T10:00:00+02:00"><script>var x = "junk"</script></head>
<body><nav>Home Menu</nav><article><h1>Owls return</h1><p>Caf\xe9 owls <b>fly</b><br>at night.</p>
<style>p {}</style><p>They eat <i>voles</i>.</p></article><footer>Imprint</footer></body></html>"""


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
def test_a_page_gives_its_main_text_and_what_its_head_says(charset: str) -> None:
    article = read_html(HTML.replace("CHARSET", charset).encode(charset), "file:///x", "x")
    assert article.title == "Owls return"
    assert article.url == "https://news.example/owls"
    assert article.published == "2026-05-03T08:00:00Z"
    assert "Café owls fly\nat night.\n\nThey eat voles." in article.text
    for junk in ("junk", "Menu", "Imprint", "p {}"):
        assert junk not in article.text


def test_a_page_without_anything_is_read_too() -> None:
    article = read_html(b"Just <b>text", "file:///x", "a-page")
    assert (article.title, article.text) == ("A page", "Just text")


def test_the_address_of_a_page_must_be_one_to_show() -> None:
    page = b'<link rel="canonical" href="javascript:alert(1)"><p>text'
    assert read_html(page, "file:///x", "x").url == ""


@pytest.mark.parametrize(
    "data",
    [
        "Größe – Käfer und Öl, ein längerer Satz über Füchse".encode(),
        "Größe – Käfer und Öl, ein längerer Satz über Füchse".encode("utf-8-sig"),
        "Größe – Käfer und Öl, ein längerer Satz über Füchse".encode("utf-16"),
        "Größe – Käfer und Öl, ein längerer Satz über Füchse".encode("cp1252"),
    ],
)
def test_text_in_any_character_set(data: bytes) -> None:
    assert "Käfer und Öl" in read_text(data, "file:///x", "x").text


def test_the_first_line_of_a_text_is_its_title_if_it_stands_alone() -> None:
    article = read_text(b"Owls return\n\nThey are back.\n", "file:///x", "n")
    assert (article.title, article.text) == ("Owls return", "They are back.")
    assert read_text(b"They are back.\nAll of them.", "file:///x", "the-owls").title == "The owls"


def pdf(path: Path, text: str, *, title: str = "", password: str = "") -> Path:
    document = FPDF()
    if title:
        document.set_title(title)
    if password:
        document.set_encryption("owner", password)
    document.add_page()
    if text:
        document.set_font("helvetica", size=12)
        document.multi_cell(0, 6, text)
    document.output(str(path))
    return path


def test_a_pdf_gives_its_text_title_and_date(tmp_path: Path) -> None:
    article = read_file(pdf(tmp_path / "a.pdf", "The herring quota was cut by 40 per cent. " * 5, title="Herring"))
    assert article.title == "Herring"
    assert "quota was cut by 40 per cent" in article.text
    assert article.published.startswith("20")


def test_a_pdf_without_a_title_takes_its_first_line(tmp_path: Path) -> None:
    assert read_file(pdf(tmp_path / "a.pdf", "Herring quota cut. By a lot.")).title == "Herring quota cut"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: pdf(path / "scan.pdf", ""), "a scan needs text recognition"),
        (lambda path: pdf(path / "locked.pdf", "text", password="secret"), "encrypted"),
        (lambda path: write(path / "broken.pdf", b"%PDF-1.7 nonsense"), "not a PDF that can be read"),
        (lambda path: write(path / "empty.pdf", b""), "not a PDF that can be read"),
        (lambda path: write(path / "picture.txt", bytes(range(256)) * 20), "not text"),
        (lambda path: write(path / "picture.png", b"x"), "not a Markdown, HTML, PDF or text file"),
        (lambda path: write(path / "empty.md", b""), "no text in it"),
        (lambda path: write(path / "empty.html", b"<script>x()</script>"), "no text in it"),
        (lambda path: write(path / "blank.txt", b" \n\t\n"), "no text in it"),
        (lambda path: path / "missing.txt", "cannot be read"),
        (lambda path: write(path / "huge.txt", b"x" * (20 * 1024 * 1024 + 1)), "more than"),
    ],
)  # fmt: skip
def test_what_gives_no_article_says_why(tmp_path: Path, make: object, reason: str) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(Unreadable) as caught:
        read_file(path)
    assert reason in caught.value.reason


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-05-03", "2026-05-03"),
        (" 2026-05-03T10:00:00Z ", "2026-05-03T10:00:00Z"),
        ("2026-05-03T10:00:00+02:00", "2026-05-03T08:00:00Z"),
        ("2026-05-03 10:00", "2026-05-03T10:00:00Z"),
        ("Sun, 03 May 2026 10:00:00 +0200", "2026-05-03T08:00:00Z"),
        ("yesterday", ""),
        ("2026-13-45", ""),
        ("", ""),
        ("0001-01-01T00:00:00+14:00", ""),
    ],
)
def test_dates_as_they_are_written(written: str, read: str) -> None:
    assert iso_date(written) == read


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("https://news.example/a?b=c", "https://news.example/a?b=c"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("/relative", ""),
        ("https://", ""),
        ("http://[broken", ""),
        ("https://a.example/ b", ""),
        ("https://a.example/" + "x" * 3_000, ""),
    ],
)
def test_only_web_addresses_are_shown_as_links(given_: str, kept: str) -> None:
    assert web_address(given_) == kept


@given(st.binary(max_size=3_000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for reader in (read_text, read_markdown, read_html):
        try:
            article = reader(data, "file:///x", "x")
        except Unreadable:
            continue
        assert "\x00" not in article.text


HOSTILE = [
    *(
        "<div>",
        "<p>x",
        "<",
        "&",
        "<!--",
        "<b></p>",
        "<dl><dt>",
        "<ul><li>",
        "<a><div></a>",
        "<i><b></i>",
        "<table><td>",
    ),
    *("<script>", "<script></script>", "<title>", "</p>", "<li>", "<div a=", "<![CDATA[", "<svg><g>", "<template>"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_markup_takes_no_time(piece: str) -> None:
    started = time.perf_counter()
    with suppress(TooDeep):
        html_text(piece * (1_600_000 // len(piece)))
    assert time.perf_counter() - started < 5


def test_long_lists_without_end_tags_are_no_deep_markup() -> None:
    assert html_text("<ul>" + "<li>one<br><img>" * 5_000).count("one") == 5_000


def test_scripts_and_comments_do_not_count_as_markup() -> None:
    text = "<script>" + "if (a<b) " * 20_000 + "</script><!-- " + "<b>" * 20_000 + " --><p>words"
    assert html_text(text) == "words"


def test_a_file_that_is_nested_too_deep_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        read_file(write(tmp_path / "deep.html", b"<div>" * 50_000))
    assert "nested deeper" in caught.value.reason


@pytest.mark.parametrize("piece", ["[", "*a", "`", "> ", "![](", "<b>", "- ", "|", "\\", "_*"])
def test_hostile_markdown_takes_no_time(piece: str) -> None:
    started = time.perf_counter()
    with suppress(Unreadable):
        read_markdown((piece * (40_000 // len(piece))).encode(), "file:///x", "x")
    assert time.perf_counter() - started < 5
