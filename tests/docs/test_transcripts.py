"""The transcripts can be written again at any time, and say the same."""

from __future__ import annotations

import pytest

from agent.registry import find
from docs.transcripts.make import MESSAGES, pages

NAMES = [name for name in find() if name in MESSAGES]


@pytest.mark.parametrize("name", NAMES)
def test_a_transcript_has_ten_messages_with_their_replies_each_time_alike(name: str) -> None:
    ((_, page),) = pages(find(), [name])
    ((_, again),) = pages(find(), [name])

    assert len(MESSAGES[name]) == 10
    for message in MESSAGES[name]:
        _, _, rest = page.partition(f"**User:** {message}\n\n> ")
        assert rest.split("\n", 1)[0].strip(), message
    assert again == page


def test_an_assistant_that_is_not_there_has_no_page() -> None:
    assert list(pages(find(), ["nobody"])) == []
