"""``/metrics``: what Prometheus asks for. Counts of this instance, all its worker processes together, and, as gauges,
what the shared store knows.

prometheus-client decides when it is imported whether several processes count together. So it is imported late: by then
the server knows how many there are.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Blueprint, Response

from agent.watch import Tally
from api.identity import admin_only
from api.openapi import Content, describe
from api.services import Services
from memory import StoreFull, StoreUnavailable, stats
from memory.stores.refusals import TRIPS

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.registry import Collector

KIND: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_STATES: Final = ("closed", "open", "reconcile")
_OF_THE_STORE: Final = " The same in all instances: take max, not sum."


class Metrics:
    """The counters of one process, which also watch its turns (``agent.watch.Watch``).

    ``folder`` is where the worker processes of one server keep their counts, so that any of them can add up all; None
    where there is one process. It must be in PROMETHEUS_MULTIPROC_DIR before the first of these is made.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._folder = folder
        self._registry = CollectorRegistry()
        one: dict[str, Any] = {"registry": self._registry}
        by = ["assistant"]
        counter, histogram = partial(_counts, Counter, **one), partial(_counts, Histogram, buckets=_SECONDS, **one)
        self._turns = counter("parley_turns", "Turns by how they ended", [*by, "outcome"])
        self._seconds = histogram("parley_turn_seconds", "Seconds of a whole turn", by)
        self._parts = histogram(
            "parley_turn_part_seconds",
            "Seconds of a turn spent in the store (waiting for another turn of the session included), in the model, "
            "and in the rest",
            [*by, "part"],
        )
        self._tokens = counter("parley_tokens", "Tokens that models were shown and said", [*by, "kind"])
        self._cached = counter("parley_cache_hits", "Turns that were answered without asking a model", by)
        self._running = Gauge("parley_turns_running", "Turns at work now", multiprocess_mode="livesum", **one)
        self._requests = counter("parley_http_requests", "Requests", ["method", "route", "status"])
        self._webhooks = counter("parley_webhooks", "Messages to webhooks by what became of them", ["outcome"])
        self._trips = Counter("parley_store_round_trips", "Round trips to Redis, told at the end of each turn", **one)
        self._trips_told = TRIPS.count
        self._telling = threading.Lock()

    # --- a turn -----------------------------------------------------------------------------------------------------

    def began(self, assistant: str) -> None:
        self._running.inc()

    def ended(self, tally: Tally, outcome: str, seconds: float) -> None:
        self._running.dec()
        name = tally.assistant
        self._turns(name, outcome).inc()
        self._seconds(name).observe(seconds)
        # A model that was given up still works in its thread and has told nothing yet.
        model = seconds - tally.store if outcome == "model_timeout" else min(tally.model, seconds)
        for part, took in (("store", tally.store), ("model", model), ("rest", seconds - tally.store - model)):
            self._parts(name, part).observe(max(0.0, took))
        if tally.input_tokens:
            self._tokens(name, "input").inc(tally.input_tokens)
        if tally.output_tokens:
            self._tokens(name, "output").inc(tally.output_tokens)
        if tally.cached:
            self._cached(name).inc()
        self._tell_trips()

    def requested(self, method: str, route: str, status: int) -> None:
        """A request was answered; ``route`` is the rule, which has no ids in it."""
        self._requests(method if method in _METHODS else "other", route, str(status)).inc()

    def webhook(self, outcome: str) -> None:
        """A message to a webhook was delivered, given up (failed) or not even tried (dropped)."""
        self._webhooks(outcome).inc()

    def _tell_trips(self) -> None:
        with self._telling:
            told, self._trips_told = self._trips_told, TRIPS.count
            if TRIPS.count > told:
                self._trips.inc(self._trips_told - told)

    # --- the page ---------------------------------------------------------------------------------------------------

    def page(self, services: Services) -> bytes:
        """All of it, as Prometheus reads it."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        self._tell_trips()
        registry = self._registry
        if self._folder is not None:
            _forget_dead(self._folder)
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        of_the_store = CollectorRegistry()
        of_the_store.register(cast("Collector", _Store(services)))
        return generate_latest(registry) + generate_latest(of_the_store)


def _counts(kind: Callable[..., Any], *told: Any, **options: Any) -> Callable[..., Any]:
    """The count of given labels, remembered: prometheus-client finds it anew every time, under a lock."""
    return lru_cache(maxsize=1_000)(kind(*told, **options).labels)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


def _forget_dead(folder: Path) -> None:
    """A worker that was killed runs no turns any more; what it counted stays."""
    for file in folder.glob("gauge_live*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            with suppress(FileNotFoundError):
                file.unlink()


class _Store:
    """What the store knows, asked once a page."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        store, engines = self._services.store, self._services.engines
        status = store.status()
        states = GaugeMetricFamily("parley_store_state", "1 at the state that this process sees", labels=["state"])
        for state in _STATES:
            states.add_metric([state], float(status.state == state))
        yield states
        yield GaugeMetricFamily("parley_store_degraded", "1 while served without Redis", value=float(status.degraded))
        for name, about in (
            ("journalBytes", "Bytes of this process' journal"),
            ("journalTurns", "Turns in this process' journal"),
            ("unsynced", "Turns that Redis has not got yet"),
        ):
            if (value := status.detail.get(name)) is not None:
                yield GaugeMetricFamily(_NAMES[name], about, value=float(value))
        try:
            totals = {name: store.totals(name) for name in engines}
            counters, usage = store.counters(), store.usage()
        except (StoreUnavailable, StoreFull):
            return
        active = GaugeMetricFamily("parley_sessions_active", f"Live sessions.{_OF_THE_STORE}", labels=["assistant"])
        ended = CounterMetricFamily(
            "parley_sessions_ended", f"Ended sessions.{_OF_THE_STORE}", labels=["assistant", "reason"]
        )
        for name in engines:
            active.add_metric([name], totals[name].live)
            for reason, times in stats.ended_by_reason(counters, name).items():
                ended.add_metric([name, reason], times)
        yield active
        yield ended
        yield GaugeMetricFamily(
            "parley_store_used_bytes", f"Memory of the store.{_OF_THE_STORE}", value=usage["used_bytes"]
        )
        yield GaugeMetricFamily(
            "parley_store_max_bytes", f"Its limit; 0: none.{_OF_THE_STORE}", value=usage["max_bytes"]
        )


_NAMES: Final = {
    "journalBytes": "parley_journal_bytes",
    "journalTurns": "parley_journal_turns",
    "unsynced": "parley_unsynced_turns",
}


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    @admin_only
    @describe("Counts and gauges, as Prometheus reads them", Content("text/plain"))
    def metrics() -> Response:
        return Response(services.metrics.page(services), content_type=KIND)

    return routes
