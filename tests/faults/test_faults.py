"""Redis may fail: nothing that a user was told is lost, doubled or out of order.

./process-manager.sh test --faults            every scenario with 20 users × 25 turns, and the table
pytest tests/faults                            (in the default suite) two of them, smaller
"""

from __future__ import annotations

import pytest

from tests.faults.scenarios import HEAD, SCENARIOS, Outcome

LINES: list[str] = []


def check(name: str, users: int, turns: int, capsys: pytest.CaptureFixture[str]) -> Outcome:
    outcome = SCENARIOS[name](users, turns)
    with capsys.disabled():
        print(f"\n{HEAD}\n{outcome.line(name)}")
    assert outcome.acknowledged == users * turns
    assert (outcome.lost, outcome.doubled, outcome.disordered) == (0, 0, 0)
    assert (outcome.failed, outcome.unanswered) == (0, 0)
    return outcome


@pytest.mark.faults
@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_that_a_user_was_told_is_lost(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = check(name, 20, 25, capsys)

    if "disk full" not in name:
        assert outcome.refused == 0


@pytest.mark.parametrize("name", ["kill -9 of Redis, back empty", "FLUSHALL in mid-conversation"])
def test_nothing_that_a_user_was_told_is_lost_in_short(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(name, 6, 10, capsys).refused == 0
