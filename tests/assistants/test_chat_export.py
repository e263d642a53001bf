"""A conversation goes out as JSON and comes back unchanged; as Markdown and PDF it is for people."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pypdf import PdfReader
from selectolax.lexbor import LexborHTMLParser

from assistants.chat import pdf
from assistants.chat.export import InvalidExport, from_json, to_json, to_markdown, to_pdf
from assistants.chat.inert import inert
from memory.archive import Archive, ArchivedChat, ChatSession
from memory.session import Message, Turn
from tests.injections import injections
from tests.memory.archive.talk import NOON

LAST_MS = 7_258_118_400_000  # the year 2200


def chat(*said: tuple[str, str], name: str = "A trip to Zürich", interrupted: bool = False) -> ArchivedChat:
    turns = tuple(
        Turn(
            id=f"t{place}",
            session_started=NOON,
            began=NOON + place * 60_000,
            took=1_234,
            messages=(Message("human", asked), Message("ai", told, {"id": f"m{place}"})),
            data={"score": 0.5} if place else {},
            interrupted=interrupted,
        )
        for place, (asked, told) in enumerate(said)
    )
    row = ChatSession("2f0c7b4e", "alice", name, NOON, NOON + 60_000, 2 * len(turns), ("travel", "work"))
    return ArchivedChat(row, turns)


def pages(document: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(document)).pages]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["human", "ai", "tool", "system"]),
    st.text() | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}), max_size=2),
    st.dictionaries(st.text(), JSON, max_size=2),
)
TURNS = st.builds(
    Turn,
    id=st.text("abcdef0123456789", min_size=1, max_size=16),
    session_started=st.integers(0, LAST_MS),
    began=st.integers(0, LAST_MS),
    took=st.integers(0, 86_400_000),
    messages=st.lists(MESSAGES, max_size=4).map(tuple),
    data=st.dictionaries(st.text(), JSON, max_size=2),
    interrupted=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(turns=st.lists(TURNS, max_size=3, unique_by=lambda turn: turn.id), created=st.integers(0, LAST_MS // 2))
def test_what_is_exported_is_read_unchanged(turns: list[Turn], created: int) -> None:
    row = ChatSession("s1", "", "Name", created, created * 2, 2 * len(turns), ("a", "b"))
    exported = ArchivedChat(row, tuple(turns))

    raw = to_json(exported)

    assert from_json(raw) == exported
    assert to_json(from_json(raw)) == raw


def test_through_the_archive_and_back_every_byte_is_the_same(tmp_path: Path) -> None:
    with closing(Archive(f"sqlite:///{tmp_path / 'chats.db'}")) as archive:
        archive.migrate()
        given = chat(("Hello 🙂", "Hi \ud83d half"), ("And\x00?", "“Grüezi”"))
        archive.import_session(given, "alice")
        found = archive.export("2f0c7b4e")
        assert found is not None
        raw = to_json(found)
        archive.delete("2f0c7b4e")

        archive.import_session(from_json(raw), "bob")

        again = archive.export("2f0c7b4e")
        assert again is not None
        assert to_json(again) == raw
        assert archive.owner("2f0c7b4e") == "bob"


def test_the_json_can_be_read_by_people_and_says_nothing_of_the_owner() -> None:
    raw = to_json(chat(("Grüezi", "Hallo")))

    document = json.loads(raw)
    assert document["format"] == "parley-chat"
    assert document["version"] == 1
    assert document["created_at"] == "2024-10-04T12:00:00.000Z"
    assert document["turns"][0]["messages"][0] == {"role": "human", "content": "Grüezi", "rest": {}}
    assert "Grüezi" in raw.decode()
    assert b"alice" not in raw


def changed(change: Callable[[Any], object]) -> bytes:
    document = json.loads(to_json(chat(("One", "1"), ("Two", "2"))))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("format"), "format"),
        (lambda d: d.update(format="other"), "format"),
        (lambda d: d.update(version=2), "version"),
        (lambda d: d.update(extra=1), "extra"),
        (lambda d: d.update(session_id="../etc"), "session_id"),
        (lambda d: d.update(session_id="x" * 129), "session_id"),
        (lambda d: d.update(session_id=7), "session_id"),
        (lambda d: d.update(chat_name=""), "chat_name"),
        (lambda d: d.update(chat_name="x" * 81), "chat_name"),
        (lambda d: d.update(created_at=5), "created_at"),
        (lambda d: d.update(created_at="2024-02-30T12:00:00.000Z"), "created_at"),
        (lambda d: d.update(created_at="2024-02-20T12:00:00Z"), "created_at"),
        (lambda d: d.update(created_at="٢٠٢٤-02-20T12:00:00.000Z"), "created_at"),
        (lambda d: d.update(last_activity="2023-02-20T12:00:00.000Z"), ""),
        (lambda d: d.update(message_count=3), ""),
        (lambda d: d.update(message_count="4"), "message_count"),
        (lambda d: d.update(tags="work"), "tags"),
        (lambda d: d.update(tags=["x" * 33]), "tags.0"),
        (lambda d: d["turns"].append(5), "turns.2"),
        (lambda d: d["turns"][1].update(id="t0"), ""),
        (lambda d: d["turns"][1].update(id=""), "turns.1.id"),
        (lambda d: d["turns"][1].update(took_ms=-1), "turns.1.took_ms"),
        (lambda d: d["turns"][1].update(took_ms=1.5), "turns.1.took_ms"),
        (lambda d: d["turns"][1].update(began="yesterday"), "turns.1.began"),
        (lambda d: d["turns"][1].update(data=[]), "turns.1.data"),
        (lambda d: d["turns"][0]["messages"][0].update(role="<script>"), "turns.0.messages.0.role"),
        (lambda d: d["turns"][0]["messages"][0].update(content=5), "turns.0.messages.0.content.str"),
        (lambda d: d["turns"][0]["messages"][0].update(content=[{"text": 5}]), "turns.0.messages.0"),
    ],
)
def test_what_was_tampered_with_is_refused_by_name(change: Callable[[Any], object], field: str) -> None:
    with pytest.raises(InvalidExport) as refused:
        from_json(changed(change))

    assert refused.value.field == field
    assert str(refused.value).startswith("This is not an exported conversation: ")


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{}", b"[]", b"null", b"not json", b"\xff\xfe{}", b'{"format": NaN}', b'{"a": 1, "a": 2}'),
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
def test_what_is_no_export_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidExport, match="not an exported conversation"):
        from_json(raw)


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidExport, match="at most 10 are read"):
        from_json(b"x" * 11, max_bytes=10)


def test_markdown_is_for_people() -> None:
    text = to_markdown(chat(("Where is the *lake*?", "South of the city.\n\n```python\nprint(1)"), name="Zürich"))

    assert text.startswith("# Zürich\n\n- Started 4 October 2024, 12:00 UTC, last message 4 October 2024, 12:01 UTC\n")
    assert "- Tags: travel, work\n" in text
    assert "## You · 4 October 2024, 12:00 UTC\n\nWhere is the *lake*?\n" in text
    assert "print(1)\n```\n" in text, "a block of code that was cut off swallows nothing"
    assert "*(interrupted)*" in to_markdown(chat(("Hello", "H"), interrupted=True))


ATTACKS = (
    *injections(),
    "[a](javascript:x) [b](&#106;avascript:x) [c]( JaVaScRiPt:x ) [d](data:text/html,x) [e](vbscript:x)",
    "[a]: javascript:x\n\n[a] and [again][a]",
    "<javascript:x> <b onmouseover=x>\n\n<div\nonclick=x>",
    "`<b>` and `` ` <b> ` `` and `open\n\n<script>x</script>`",
    "```\n<script>x</script>\n``\n~~~\n<script>x</script>",
    "\\<script>x</script> \\\\<script>x</script> \\[a](javascript:x) \\\\[a](javascript:x)",
    "![a](https://elsewhere.example/pixel.png) ![b][b]\n\n[b]: https://elsewhere.example/pixel.png",
    "<!-- swallow\n\nthe rest",
    "[" * 3_000 + "](javascript:x)",
    "<script>x</script> " + "word " * 30_000,
)
MARKDOWN = st.text(st.sampled_from("<>[]()!`~\\\n :/-_*#ajsx&;\"'"), max_size=60)


def does_something(markdown: str) -> list[str]:
    """What a reader of Markdown that trusts it would do with it: tags, pictures, links to other than the web."""
    reader = MarkdownIt("commonmark")
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    page = LexborHTMLParser(reader.render(markdown))
    found = [
        str(node.tag)
        for node in page.css("script, img, svg, iframe, form, style, object, [onerror], [onclick], div, b")
    ]
    links = [str(node.attributes.get("href")) for node in page.css("a")]
    return found + [link for link in links if not re.match(r"https?:|mailto:|[^:]*$", link)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_said_can_do_nothing_where_its_markdown_is_read(attack: str) -> None:
    assert does_something(to_markdown(chat((attack, attack), name=attack[:80]))) == []


@given(MARKDOWN)
def test_no_text_whatever_does_something_as_markdown(text: str) -> None:
    assert does_something(inert(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "a < b, and [1] too",
        "[here](https://a.example) <https://a.example>",
        "`<b>` is bold",
        "```html\n<b>\n```",
        "\\n",
    ],
)
def test_what_is_harmless_stands_as_it_was_said(text: str) -> None:
    assert inert(text) == text


def test_what_is_escaped_still_says_the_same() -> None:
    reader = MarkdownIt("commonmark")
    assert "&lt;b onclick=x&gt; and <code>&lt;i&gt;</code>" in reader.render(inert("<b onclick=x> and `<i>`"))


@pytest.mark.parametrize("fenced", ["```\na\n```", "~~~\na\n~~~", "````\n```\na\n````", "no code", "```\n~~~\n```"])
def test_markdown_leaves_what_is_closed_alone(fenced: str) -> None:
    assert to_markdown(chat(("Q", fenced))).endswith(f"\n\n{fenced}\n")


def test_a_pdf_shows_what_was_said_in_any_script() -> None:
    said = [
        ("Grüezi, Ünïcode ẞ", "Привет, мир: Ελλάδα"),
        ("Łódź → ✓ ∑ ½ €", "ქართული"),
        ("print", "```\ndef f(x):\n\treturn x  # ключ\n```\nDone."),
    ]

    text = "\n".join(pages(to_pdf(chat(*said))))

    for words in ("A trip to Zürich", "Grüezi, Ünïcode ẞ", "Привет, мир: Ελλάδα", "Łódź → ✓ ∑ ½ €", "ქართული"):
        assert words in text
    assert "def f(x):" in text
    assert "return x  # ключ" in text
    assert "```" not in text
    assert "Tags: travel, work" in text
    assert "1 / 1" in text


def test_scripts_that_join_their_letters_are_joined() -> None:
    joined = pages(to_pdf(chat(("مرحبا بالعالم", "שלום עולם"))))[0]

    assert "مرحبا" in joined
    assert "שלום" in joined


def test_only_glyphs_that_are_missing_become_question_marks() -> None:
    text = pages(to_pdf(chat(("你好 world 🚀!", "a\u00a0b\u2001c\ufe0f\x07d"))))[0]

    assert "?? world ?!" in text
    assert "a b cd" in text


def test_a_long_conversation_has_pages_and_a_very_long_one_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    long = chat(*[(f"Question {n}", f"Answer {n}. " + "More words to fill the line. " * 8) for n in range(60)])

    whole = pages(to_pdf(long))
    assert len(whole) > 3
    assert f"1 / {len(whole)}" in whole[0]
    assert "Question 0" in whole[0]
    assert "Answer 59." in whole[-1]

    monkeypatch.setattr(pdf, "MOST_CHARACTERS", 3_000)
    cut = pages(to_pdf(long))
    assert "messages are left out" in cut[0]
    assert "Question 0\n" not in "\n".join(cut)
    assert "Answer 59." in cut[-1]


def test_the_same_conversation_is_the_same_pdf() -> None:
    said = chat(("Hello", "Hi"))

    assert to_pdf(said) == to_pdf(said)


@settings(max_examples=8, deadline=None)
@given(asked=st.text(max_size=60), told=st.text(max_size=120), name=st.text(min_size=1, max_size=40))
def test_whatever_was_said_can_be_exported(asked: str, told: str, name: str) -> None:
    said = chat((asked, told), name=name)

    assert to_pdf(said).startswith(b"%PDF-")
    assert to_markdown(said).startswith("# ")


def test_an_empty_conversation_can_be_exported() -> None:
    empty = chat()

    assert from_json(to_json(empty)) == replace(empty, session=replace(empty.session, owner=""))
    assert "0 messages" in pages(to_pdf(empty))[0]
