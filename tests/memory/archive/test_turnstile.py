"""Whoever comes first is let in first, and nobody waits longer than they want to."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from memory.archive.turnstile import Turnstile


def test_threads_are_let_in_in_the_order_of_their_coming() -> None:
    turnstile = Turnstile()
    came: list[int] = []
    let_in: list[int] = []

    def come(number: int) -> None:
        with turnstile.passing(10) as ours:
            assert ours
            let_in.append(number)

    with ThreadPoolExecutor(8) as pool, turnstile.passing(0):
        waiting = []
        for number in range(8):
            waiting.append(pool.submit(come, number))
            came.append(number)
            while len(turnstile._waiting) < number + 1:
                time.sleep(0.001)
        assert let_in == []
    assert all(one.exception() is None for one in waiting)
    assert let_in == came


def test_nobody_waits_longer_than_they_want_to() -> None:
    turnstile = Turnstile()

    with turnstile.passing(0), turnstile.passing(0.01) as ours:
        assert not ours
    with turnstile.passing(0) as ours:
        assert ours, "who gave up is not waited for"


def test_only_one_is_in_at_a_time() -> None:
    turnstile = Turnstile()
    inside = 0
    most = 0

    def come(_: int) -> int:
        nonlocal inside, most
        got = 0
        for _ in range(200):
            # Some give up, at all kinds of moments.
            with turnstile.passing(0.0005) as ours:
                if ours:
                    inside += 1
                    most = max(most, inside)
                    got += 1
                    inside -= 1
        return got

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(come, range(8))) > 0
    assert most == 1
    with turnstile.passing(0) as ours:
        assert ours
