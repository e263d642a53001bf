"""Any bytes as a body and any text as a setting or a query: understood, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

import settings
from api import parsing
from api.errors import ApiError
from api.openai_wire import Completion, conversed, refuse_what_is_not_served

NUMBERS = st.integers() | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
PARTS = st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"])}, optional={"text": JSON})
SAID = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "king"])},
    optional={"content": st.text(max_size=9) | st.lists(PARTS | JSON, max_size=2) | JSON},
)
ASKED = st.fixed_dictionaries(
    {"model": st.just("weather") | JSON, "messages": st.lists(SAID | JSON, max_size=4) | JSON},
    optional=dict.fromkeys(("stream", "user", "n", "tools", "response_format", "stream_options"), JSON),
)


@given(st.binary(max_size=300) | JSON.map(lambda value: repr(value).encode("utf-8", "surrogatepass")))
def test_any_bytes_are_an_object_or_a_400(raw: bytes) -> None:
    try:
        found = parsing.read_object(raw)
    except ApiError as error:
        assert (error.status, error.code) == (400, "invalid_request")
    else:
        assert isinstance(found, dict)
        assert b"\\u0000" not in orjson.dumps(found)


@given(st.integers(0, 200), st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
def test_depth_is_bounded(depth: int, marks: tuple[bytes, bytes]) -> None:
    raw = b'{"a":' + marks[0] * depth + b"1" + marks[1] * depth + b"}"
    try:
        parsing.read_object(raw)
    except ApiError as error:
        assert error.status == 400
        assert depth > 30
    else:
        assert depth <= 32


@given(ASKED)
def test_any_request_in_openais_format_is_understood_or_told_what_is_wrong(asked: dict[str, Any]) -> None:
    try:
        parsed = parsing.validated(Completion, asked)
        refuse_what_is_not_served(asked)
        said = conversed(parsed.messages)
    except ApiError as error:
        assert error.status in (400, 413)
        assert str(error)
    else:
        assert said.message.strip()
        assert all(turn.messages for turn in said.history)


@given(st.text(max_size=30) | st.integers().map(str))
def test_a_number_of_a_query_is_within_its_bounds_or_a_400(text: str) -> None:
    with Flask(__name__).test_request_context(query_string={"limit": text}):
        try:
            assert 1 <= parsing.query_number("limit", 5, 1, 100) <= 100
        except ApiError as error:
            assert error.status == 400


@given(st.sampled_from([setting.name for setting in settings.SETTINGS]), st.text(max_size=40))
def test_any_text_as_a_setting_is_taken_or_stops_the_start_by_name(name: str, text: str) -> None:
    try:
        settings.load({name: text}, dotenv=None)
    except settings.BadSetting as error:
        assert str(error)
