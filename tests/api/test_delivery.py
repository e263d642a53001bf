"""Messages on their way to an address: tried again, given up, dropped, and never waited for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from api.delivery import Delivery, Message, Patience
from tests.fakes.receiver import Answer, Receiver
from tests.processes import free_port, wait_until

QUICK = Patience(attempt=1.0, attempts=3, first=0.01, longest=0.05)
Deliver = Callable[..., Delivery]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def outcomes() -> Counter[str]:
    return Counter()


@pytest.fixture
def deliver(receiver: Receiver, outcomes: Counter[str]) -> Iterator[Deliver]:
    """Makes a delivery, and starts it unless told otherwise."""
    made: list[Delivery] = []
    lock = threading.Lock()

    def count(outcome: str) -> None:
        with lock:
            outcomes[outcome] += 1

    def make(url: str = "", size: int = 100, patience: Patience = QUICK, start: bool = True) -> Delivery:
        delivery = Delivery(
            url or receiver.url, lambda m: {"webhook-id": m.id}, size=size, count=count, patience=patience
        )
        made.append(delivery)
        if start:
            delivery.start()
        return delivery

    yield make
    receiver.release()
    for each in made:
        each.finish(time.monotonic() + 2.0)
        each.join()


def messages(number: int) -> list[Message]:
    return [Message(f"msg_{n}", b"{}") for n in range(number)]


def put(delivery: Delivery, number: int) -> None:
    for message in messages(number):
        delivery.put(message)


def ids(receiver: Receiver) -> list[str]:
    return [post.id for post in receiver.posts]


def test_messages_come_in_order_over_one_connection(
    deliver: Deliver, receiver: Receiver, outcomes: Counter[str]
) -> None:
    put(deliver(), 20)

    receiver.told(20)

    assert ids(receiver) == [message.id for message in messages(20)]
    assert receiver.connections == 1
    wait_until(lambda: outcomes == {"delivered": 20}, "the count")


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_only_success_counts_and_the_same_message_is_tried_again(
    deliver: Deliver, receiver: Receiver, outcomes: Counter[str], status: int
) -> None:
    receiver.will(Answer(status, {"Location": "/elsewhere"} if status == 302 else {}))
    put(deliver(), 2)

    receiver.told(3)

    assert ids(receiver) == ["msg_0", "msg_0", "msg_1"]
    wait_until(lambda: outcomes == {"delivered": 2}, "the count")


def test_a_message_that_nobody_takes_is_given_up_and_the_next_one_is_tried(
    deliver: Deliver, receiver: Receiver, outcomes: Counter[str]
) -> None:
    receiver.will(500, 500, 500)
    put(deliver(), 2)

    receiver.told(4)

    assert ids(receiver) == ["msg_0"] * 3 + ["msg_1"]
    wait_until(lambda: outcomes == {"failed": 1, "delivered": 1}, "the count")


def test_an_address_where_nobody_listens_is_given_up_too(deliver: Deliver, outcomes: Counter[str]) -> None:
    put(deliver(f"http://127.0.0.1:{free_port()}/"), 2)

    wait_until(lambda: outcomes == {"failed": 2}, "the count")


def test_a_receiver_that_drips_is_cut_off(deliver: Deliver, receiver: Receiver, outcomes: Counter[str]) -> None:
    receiver.will(Answer(drip=0.02))
    begun = time.monotonic()
    put(deliver(patience=replace(QUICK, attempt=0.2)), 1)

    wait_until(lambda: outcomes == {"delivered": 1}, "the second attempt")

    assert len(receiver.posts) == 2
    assert time.monotonic() - begun < 5


def test_what_does_not_fit_is_dropped_and_not_waited_for(
    deliver: Deliver, receiver: Receiver, outcomes: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    receiver.hold()
    delivery = deliver(size=3)
    put(delivery, 1)
    receiver.told(1)
    begun = time.monotonic()

    put(delivery, 10)

    assert time.monotonic() - begun < 0.5
    assert outcomes == {"dropped": 7}
    assert caplog.text.count("is full") == 1
    assert "sesame" not in caplog.text
    receiver.release()
    receiver.told(4)
    wait_until(lambda: outcomes == {"dropped": 7, "delivered": 4}, "the count")


def test_an_address_that_is_gone_is_told_nothing_more(
    deliver: Deliver, receiver: Receiver, outcomes: Counter[str]
) -> None:
    receiver.hold()
    receiver.will(410)
    delivery = deliver()
    put(delivery, 3)
    receiver.told(1)
    receiver.release()
    wait_until(lambda: outcomes == {"dropped": 3}, "the count")

    put(delivery, 2)

    assert outcomes == {"dropped": 5}
    assert len(receiver.posts) == 1


def test_at_a_stop_what_waits_is_tried_once_each(deliver: Deliver, receiver: Receiver, outcomes: Counter[str]) -> None:
    patient = replace(QUICK, attempts=12, first=300.0, longest=300.0)
    receiver.will(500, 500, 500)
    delivery = deliver(patience=patient)
    put(delivery, 3)
    receiver.told(1)  # and now it waits for five minutes

    delivery.finish(time.monotonic() + 10.0)
    delivery.join()

    assert ids(receiver) == ["msg_0", "msg_0", "msg_1", "msg_2"]
    assert outcomes == {"failed": 2, "delivered": 1}


def test_a_stop_ends_in_time_whatever_the_receiver_does(
    deliver: Deliver, receiver: Receiver, outcomes: Counter[str]
) -> None:
    receiver.hold()
    delivery = deliver(patience=replace(QUICK, attempt=30.0))
    put(delivery, 5)
    receiver.told(1)
    begun = time.monotonic()

    delivery.finish(time.monotonic() + 0.3)
    delivery.join()

    assert time.monotonic() - begun < 2.0
    assert outcomes["dropped"] == 4


def test_pauses_double_up_to_a_longest_with_chance_in_them() -> None:
    patience = Patience(first=1.0, longest=300.0)
    assert [patience.pause(tries, chance=lambda: 1.0) for tries in (1, 2, 3, 9, 10, 40)] == [1, 2, 4, 256, 300, 300]
    assert patience.pause(3, chance=lambda: 0.0) == 2.0


def test_a_receiver_may_ask_for_a_longer_pause_but_not_for_any() -> None:
    patience = Patience(first=1.0, longest=300.0)
    assert patience.pause(1, 30.0) == 30.0
    assert patience.pause(1, 86_400.0) == 300.0
