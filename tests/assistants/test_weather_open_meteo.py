"""The client, against a server that speaks Open-Meteo's wire format."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest

from assistants.weather.errors import BadAnswer, Unreachable, WeatherError
from assistants.weather.open_meteo import CACHE_SECONDS, Limits, OpenMeteo
from assistants.weather.patience import SILENT_SECONDS
from tests.assistants.weather_conversation import NOBODY
from tests.fakes.open_meteo import FORECAST, SEARCH, OpenMeteoServer, Sky

LONDON = (51.50853, -0.12574)
LIMITS = Limits(connect=0.3, read=0.25, total=0.6)


class HandClock:
    """Seconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def meteo() -> Iterator[OpenMeteoServer]:
    with OpenMeteoServer() as server:
        yield server


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def client(meteo: OpenMeteoServer, clock: HandClock) -> Iterator[OpenMeteo]:
    client = OpenMeteo(meteo.forecast_url, meteo.geocoding_url, limits=LIMITS, clock=clock)
    yield client
    client.close()


def test_a_search_returns_the_places_of_that_name(client: OpenMeteo) -> None:
    first, second = client.search("London")
    assert (first.label(), first.population, first.timezone) == ("London, United Kingdom", 8_961_989, "Europe/London")
    assert (second.country, second.region) == ("Canada", "Ontario")


def test_an_unknown_name_has_no_places(client: OpenMeteo) -> None:
    assert client.search("Atlantis") == ()


def test_names_in_other_scripts_are_sent_unharmed(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    assert client.search("東京")[0].name == "Tokyo"
    for name in ("서울", "दिल्ली", "Кёльн", "ﷺ"):
        client.search(name)
        assert meteo.asked[-1][1]["name"] == name


def test_the_weather_is_read_from_the_wire(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.weather["London"] = Sky(temperature=-3.4, code=71, is_day=0, utc_offset=3600)
    weather = client.weather(*LONDON)
    assert (weather.now.temperature, weather.now.code, weather.now.day) == (-3.4, 71, False)
    assert weather.utc_offset == 3600
    assert [day.date for day in weather.days][:2] == [date(2026, 11, 20), date(2026, 11, 21)]
    assert len(weather.days) == 8
    assert weather.days[1].rain_chance == 80
    assert weather.days[0].sunrise == datetime(2026, 11, 20, 7, 25)  # noqa: DTZ001 - local, as Open-Meteo has it


def test_values_that_are_null_are_unknown(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.weather["London"] = Sky(
        feels_like=None,
        code=None,
        wind=None,
        days={"weather_code": [None] * 8, "temperature_2m_max": [None, 12.0, 13.0], "sunrise": []},
    )
    weather = client.weather(*LONDON)
    assert weather.now.feels_like is None
    assert [(day.date.day, day.code, day.sunrise) for day in weather.days] == [(21, None, None), (22, None, None)]


def test_a_second_question_is_answered_from_the_cache(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    client.search("London")
    client.search(" lóndon ")
    client.search("Atlantis")
    client.search("Atlantis")
    client.weather(*LONDON)
    client.weather(*LONDON)
    assert meteo.paths == [SEARCH, SEARCH, FORECAST]


def test_after_ten_minutes_it_is_asked_again(client: OpenMeteo, meteo: OpenMeteoServer, clock: HandClock) -> None:
    client.weather(*LONDON)
    clock.now += CACHE_SECONDS - 1
    client.weather(*LONDON)
    assert len(meteo.asked) == 1
    clock.now += 2
    client.weather(*LONDON)
    assert len(meteo.asked) == 2


def test_many_who_want_to_know_the_same_ask_once(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(delay=0.1)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.weather(*LONDON), range(16)))
    assert len(meteo.asked) == 1
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 503}, {"cut": True}])
def test_a_stumble_is_retried_once(client: OpenMeteo, meteo: OpenMeteoServer, how: dict[str, object]) -> None:
    meteo.misbehave(SEARCH, **how, times=1)
    assert client.search("London")
    assert len(meteo.asked) == 2


def test_a_server_that_goes_on_stumbling_is_asked_twice(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(status=500)
    with pytest.raises(BadAnswer) as caught:
        client.search("London")
    assert caught.value.status == 500
    assert len(meteo.asked) == 2


def test_a_server_that_stumbled_is_asked_again_at_once(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(status=500)
    with pytest.raises(BadAnswer):
        client.search("London")
    meteo.behave()
    assert client.search("London")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{",
        b'{"results": 3}',
        b'{"results": [{"name": "X"}]}',
        b"\xff\xfe",
        b"1" * 2_000_000,
    ],
)
def test_garbage_is_no_answer(client: OpenMeteo, meteo: OpenMeteoServer, body: bytes) -> None:
    meteo.misbehave(SEARCH, body=body)
    with pytest.raises(BadAnswer, match="did not answer in Open-Meteo's JSON"):
        client.search("London")


@pytest.mark.parametrize(
    "body",
    [
        b'{"current": {}}',
        b'{"current": {"temperature_2m": NaN}}',
        b'{"current": {"temperature_2m": "warm"}}',
        b'{"daily": {}}',
    ],
)
def test_a_forecast_without_a_temperature_is_no_answer(client: OpenMeteo, meteo: OpenMeteoServer, body: bytes) -> None:
    meteo.misbehave(FORECAST, body=body)
    with pytest.raises(BadAnswer):
        client.weather(*LONDON)


def test_a_refused_question_tells_its_status(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(status=404)
    with pytest.raises(BadAnswer, match="404"):
        client.search("London")
    assert len(meteo.asked) == 1, "asking again would not help"


def test_a_slow_server_is_given_up(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(delay=10)
    began = time.monotonic()
    with pytest.raises(Unreachable):
        client.search("London")
    assert time.monotonic() - began < 2
    assert len(meteo.asked) == 1, "someone is waiting, so a time-out is not retried"


def test_a_dripping_server_is_given_up(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    # Each byte comes in time, so that no time-out between two of them ever fires.
    meteo.misbehave(drip=0.1)
    began = time.monotonic()
    with pytest.raises(Unreachable):
        client.search("London")
    assert time.monotonic() - began < 2


def test_after_a_failed_connection_nobody_waits_again_for_a_while(clock: HandClock) -> None:
    client = OpenMeteo(f"{NOBODY}/forecast", f"{NOBODY}/search", limits=LIMITS, clock=clock)
    with pytest.raises(Unreachable, match="ConnectError"):
        client.search("London")
    for _ in range(3):
        with pytest.raises(Unreachable, match="a moment ago"):
            client.search("Paris")


def test_one_address_that_is_away_does_not_silence_the_other(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(FORECAST, delay=10)
    with pytest.raises(Unreachable):
        client.weather(*LONDON)
    assert client.search("London")


def test_a_server_that_is_back_is_found_again(client: OpenMeteo, meteo: OpenMeteoServer, clock: HandClock) -> None:
    meteo.misbehave(delay=10)
    with pytest.raises(Unreachable):
        client.search("London")
    meteo.behave()
    with pytest.raises(Unreachable):
        client.search("London")
    clock.now += SILENT_SECONDS
    assert client.search("London")
    assert client.search("Paris"), "and it stays found"


def test_when_the_while_is_over_one_asks_and_the_others_do_not_wait(
    client: OpenMeteo, meteo: OpenMeteoServer, clock: HandClock
) -> None:
    meteo.misbehave(delay=10)
    with pytest.raises(Unreachable):
        client.search("London")
    clock.now += SILENT_SECONDS
    names = ["Paris", "Rome", "Oslo", "Tokyo", "Bath"]
    with ThreadPoolExecutor(5) as pool:
        failures = list(pool.map(lambda name: _failure(client, name), names))
    assert len(meteo.asked) == 2
    assert sum("a moment ago" in failure for failure in failures) == 4


def test_too_many_requests_are_followed_by_silence(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(status=429)
    for _ in range(3):
        with pytest.raises(WeatherError):
            client.search("London")
    assert len(meteo.asked) == 1


def test_a_forked_process_opens_its_own_connections(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    assert client.search("London")
    child = os.fork()
    if child == 0:
        # Leaves without pytest's own goodbyes; 0 if it was answered.
        try:
            os._exit(0 if client.search("Paris") else 1)
        except BaseException:  # noqa: BLE001 - a child must not run on as a second pytest
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.search("Rome"), "the parent's connection still works"


def test_closing_hangs_up_and_the_next_question_connects_anew(client: OpenMeteo) -> None:
    assert client.search("London")
    client.close()
    client.close()
    assert client.search("Paris")


def test_a_thread_that_was_left_behind_keeps_no_process_alive(client: OpenMeteo, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(drip=0.1)
    with pytest.raises(Unreachable):
        client.search("London")
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "weather-question")


def _failure(client: OpenMeteo, name: str) -> str:
    try:
        client.search(name)
    except Unreachable as error:
        return str(error)
    return "answered"
