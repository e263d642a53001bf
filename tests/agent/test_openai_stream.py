"""A stream's bytes as servers send them, and as networks cut them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import openai
import orjson
import pytest

from agent.openai_stream import Chunks


def said(words: str | None, **more: Any) -> dict[str, Any]:
    """A chunk as OpenAI has it; ``more`` goes into its delta."""
    return {"id": "1", "choices": [{"index": 0, "delta": {"content": words, **more}, "finish_reason": None}]}


def streamed(events: Sequence[bytes], size: int = 1_000) -> tuple[list[dict[str, Any]], list[str]]:
    """The chunks made of events that come in pieces of ``size`` bytes, and what was heard."""
    heard: list[str] = []
    chunks, data = Chunks(heard.append), b"".join(events)
    for start in range(0, len(data), size):
        chunks.take(data[start : start + size])
    return chunks.joined(), heard


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"data: ", b"data:"])
def test_words_are_whole_wherever_the_bytes_were_cut(size: int, end: bytes, start: bytes) -> None:
    words = ["Grüße", " 🙂", " ☂", "\n\n", "data: [DONE]", "."]
    events = [start + orjson.dumps(said(word)) + end * 2 for word in words]
    beats = [b": keep-alive" + end * 2, b"event: message" + end, b"id: 7" + end]

    chunks, heard = streamed([*beats, *events[:2], *beats, *events[2:], start + b"[DONE]" + end * 2], size)

    assert heard == words
    assert chunks == [said("".join(words))]


@pytest.mark.parametrize(
    "chunk",
    [
        said("there", reasoning_content=None),
        said("there", tool_calls=[{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}]),
        {**said("there"), "usage": {"total_tokens": 3}},
        {"choices": [{"index": 0, "delta": {"content": "there"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {"content": "there"}, "logprobs": {"content": []}}]},
    ],
)
def test_words_of_a_chunk_that_tells_more_are_heard_too(chunk: dict[str, Any]) -> None:
    rest = {**chunk, "choices": [{**chunk["choices"][0], "logprobs": {"content": ["more"]}}]}
    events = [b"data: " + orjson.dumps(each) + b"\n\n" for each in (said("Hi"), said(" "), rest, said("!"), said("!"))]

    chunks, heard = streamed(events)

    assert heard == ["Hi", " ", "there", "!", "!"]
    assert chunks == [said("Hi "), rest, said("!!")]


@pytest.mark.parametrize(
    "chunk", [said(None, role="assistant"), {"choices": []}, {"choices": [{"delta": None}]}, {"usage": {}}]
)
def test_a_chunk_without_words_is_kept_and_counts_as_a_beat(chunk: dict[str, Any]) -> None:
    assert streamed([b"data: " + orjson.dumps(chunk) + b"\n\n"]) == ([chunk], [""])


def test_a_lone_surrogate_is_read() -> None:
    chunks, heard = streamed([b'data: {"choices": [{"delta": {"content": "half \\ud83d"}}]}\n\n'])

    assert heard == ["half \ud83d"]
    assert chunks[0]["choices"][0]["delta"] == {"content": "half \ud83d"}


@pytest.mark.parametrize(("error", "message"), [(b'{"message": "Overloaded"}', "Overloaded"), (b'"Oh"', "Oh")])
def test_an_error_among_the_events_is_raised(error: bytes, message: str) -> None:
    with pytest.raises(openai.APIError, match=message):
        streamed([b'data: {"error": ' + error + b"}\n\n"])


def test_what_was_no_stream_is_kept_to_tell_why() -> None:
    heard: list[str] = []
    chunks = Chunks(heard.append)
    for piece in (b'{"error":\n', b' {"message": "No', b' such model"}\n}'):
        chunks.take(piece)

    assert not chunks.begun
    assert heard == []
    assert orjson.loads(chunks.aside) == {"error": {"message": "No such model"}}
