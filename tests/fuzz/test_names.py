"""Names from outside stay in their place: in keys of Redis, in session ids, in headers, in file names."""

from __future__ import annotations

import re
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import logs, parsing
from api.config import ApiConfig
from api.errors import ApiError
from api.hosts import name_of
from api.session_ids import new_session_id
from memory import InvalidKey, SessionEngine, SessionPolicy, open_store
from memory.session import Key
from memory.stores.keys import TAGS, mark_of, subject_keys

SUBJECTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256) | st.text(
    st.sampled_from("{}:*?[]%\\\r\n\0 a:session:turns"), min_size=1, max_size=40
)
NAMESPACES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True).filter(lambda name: name != "stats")
CONFIG = ApiConfig(secret_key="a secret of the tests")


def slot_of(key: str) -> str:
    """What Redis Cluster hashes of a key: what stands between its first brace and the next closing one."""
    found = re.search(r"\{([^}]+)\}", key, re.DOTALL)
    return found[1] if found else key


@given(NAMESPACES, SUBJECTS)
def test_the_keys_of_a_subject_stay_in_their_place_and_name_it(namespace: str, subject: str) -> None:
    made = subject_keys(Key(namespace, subject))
    own = (*made.of_session, made.ended)

    for key in own:
        place, _, part = key.rpartition(":")
        assert place.startswith(f"parley:{namespace}:{{{made.tag}}}:")
        assert unquote(place.split(":", 3)[3]) == subject
        assert part in ("session", "turns", "ids", "attributes", "last", "ended")
        assert re.fullmatch(r"[A-Za-z0-9._:@+%{}~-]+", key), "nothing that a shell, a pattern or a log takes for more"
    assert {slot_of(key) for key in made.all(0)} == {made.tag}
    assert made.tag in TAGS


@given(NAMESPACES, SUBJECTS)
def test_a_mark_tells_nobody_who_it_is(namespace: str, subject: str) -> None:
    mark = mark_of(Key(namespace, subject), b"secret")
    assert re.fullmatch(r"[0-9a-f]{24}", mark)
    assert mark != mark_of(Key(namespace, subject), b"another")


@pytest.fixture(scope="module")
def engine() -> SessionEngine:
    return SessionEngine(open_store("memory://"), SessionPolicy(inactivity=60), namespace="weather")


@given(st.text(max_size=300))
def test_a_subject_is_taken_whole_or_refused(engine: SessionEngine, subject: str) -> None:
    try:
        key = engine.key(subject)
    except InvalidKey:
        assert not 1 <= len(subject) <= 256 or any(0xD800 <= ord(each) <= 0xDFFF for each in subject)
    else:
        assert key.subject == subject
        subject_keys(key)


@given(st.text(max_size=200) | st.from_regex(parsing.ID_PATTERN))
def test_an_id_from_outside_is_plain_or_refused(text: str) -> None:
    try:
        taken = parsing.subject_id(text)
    except ApiError as error:
        assert (error.status, error.code) == (400, "invalid_id")
    else:
        assert taken == text
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}", text, re.ASCII)
        assert subject_keys(Key("weather", text)).session.endswith(f":{text}:session"), "it stands there as it is"


@given(st.text(max_size=300))
def test_other_words_from_outside_are_plain_or_refused(text: str) -> None:
    for read in (parsing.full_session_id, parsing.message_id):
        try:
            taken = read(text)
        except ApiError as error:
            assert error.status == 400
        else:
            assert taken == text
            assert taken.isascii()
            assert taken.isprintable()
            assert 1 <= len(taken) <= 255


@given(st.none() | st.text(max_size=300))
def test_a_request_id_is_one_plain_word(given_: str | None) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._:@+-]{1,128}", logs.taken_or_new(given_), re.ASCII)


@given(st.text(max_size=100))
def test_a_host_has_a_plain_name_or_none(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9._-]*|\[[0-9a-f:.]+\]", name_of(text), re.ASCII)


KEYS = st.none() | st.uuids().map(str) | st.text(max_size=40)


@given(KEYS, st.none() | st.text(max_size=20), KEYS, st.none() | st.text(max_size=20))
def test_ids_of_new_sessions(key: str | None, who: str | None, key2: str | None, who2: str | None) -> None:
    """They are UUIDs v4; a retry by the same caller with a key that is a UUID gets the same, nobody else does."""
    made, other = new_session_id(CONFIG, "news", who, key), new_session_id(CONFIG, "news", who2, key2)
    assert (UUID(made).version, UUID(made).variant) == (4, UUID(made).variant)
    assert str(UUID(made)) == made
    by_key = key is not None and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key, re.ASCII | re.I)
    same = bool(by_key) and key == key2 and (who or "") == (who2 or "")
    assert (made == other) is same
    assert (made == new_session_id(CONFIG, "news", who, key)) is bool(by_key)
    if by_key:
        assert made != new_session_id(CONFIG, "chat", who, key)
        assert made != new_session_id(ApiConfig(secret_key="another"), "news", who, key)
