"""The line in front of a session: who came first is served first, and a line is gone when nobody stands in it."""

from __future__ import annotations

import threading
import time

import pytest

from memory import Key
from memory.waiting import WaitingLine

KEY, OTHER = Key("test", "user123"), Key("test", "user456")


def test_the_first_in_line_is_its_head() -> None:
    line = WaitingLine()
    with line.place(KEY) as first:
        assert line.is_head(KEY, first)
        with line.place(KEY) as second:
            assert line.is_head(KEY, first)
            assert not line.is_head(KEY, second)
            assert line.length(KEY) == 2
        assert line.length(KEY) == 1
    assert line.length(KEY) == 0


def test_when_the_first_leaves_the_second_is_head() -> None:
    line = WaitingLine()
    first, second, third = line.place(KEY), line.place(KEY), line.place(KEY)
    first.__enter__()
    ticket, last = second.__enter__(), third.__enter__()
    first.__exit__(None, None, None)
    assert line.is_head(KEY, ticket)
    second.__exit__(None, None, None)
    assert line.is_head(KEY, last)
    third.__exit__(None, None, None)


def test_whoever_gives_up_in_the_middle_holds_nobody_up() -> None:
    line = WaitingLine()
    with line.place(KEY) as first:
        gave_up = line.place(KEY)
        gave_up.__enter__()
        with line.place(KEY) as last:
            gave_up.__exit__(None, None, None)
            assert line.is_head(KEY, first)
            assert line.length(KEY) == 2
            assert not line.is_head(KEY, last)


def test_lines_of_other_sessions_are_others() -> None:
    line = WaitingLine()
    with line.place(KEY), line.place(OTHER) as ticket:
        assert line.is_head(OTHER, ticket)


def test_a_place_is_given_up_when_its_turn_fails() -> None:
    line = WaitingLine()
    with pytest.raises(RuntimeError, match="no"), line.place(KEY):
        raise RuntimeError("no")
    assert line.length(KEY) == 0


def test_a_pause_ends_when_something_changes() -> None:
    line = WaitingLine()
    woken = threading.Event()
    waiting = threading.Event()

    def wait() -> None:
        with line.place(KEY):
            waiting.set()
            line.pause(30.0)
            woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(5.0)
    while not woken.wait(0.005):  # the pause may not have begun at the first nudge
        line.nudge()
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_pause_ends_when_somebody_leaves_the_line() -> None:
    line = WaitingLine()
    place = line.place(KEY)
    place.__enter__()
    left = threading.Timer(0.01, place.__exit__, (None, None, None))
    left.start()
    begun = time.monotonic()
    with line.place(KEY) as ticket:
        while not line.is_head(KEY, ticket):
            line.pause(10.0)
    assert time.monotonic() - begun < 5.0
    left.join()


def test_a_pause_ends_with_its_time() -> None:
    line = WaitingLine()
    begun = time.monotonic()
    line.pause(0.01)
    assert 0.009 <= time.monotonic() - begun < 5.0


def test_a_hundred_threads_are_served_in_the_order_they_came() -> None:
    line = WaitingLine()
    served: list[int] = []

    def stand(n: int, arrived: threading.Event) -> None:
        with line.place(KEY) as ticket:
            arrived.set()
            while not line.is_head(KEY, ticket):
                line.pause(0.05)
            served.append(n)

    threads = []
    with line.place(KEY):
        for n in range(100):
            arrived = threading.Event()
            threads.append(threading.Thread(target=stand, args=(n, arrived)))
            threads[-1].start()
            arrived.wait(5.0)
    for thread in threads:
        thread.join(30.0)
    assert served == list(range(100))
