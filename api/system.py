"""``/system``, ``/health`` and ``/ready``: what operators look at."""

from __future__ import annotations

import platform
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from api import answers, shapes, sse
from api.errors import ApiError
from api.identity import admin_only, caller
from api.openapi import assistant, describe, number
from api.parsing import query_number
from api.services import Services
from memory import StoreFull, StoreUnavailable, stats
from memory.clock import iso, now_ms

_SAMPLE = 20


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("system", __name__)

    @routes.get("/health")
    @describe("Alive", answers.HEALTH)
    def health() -> dict[str, Any]:
        return {"success": True, "status": "ok", "timestamp": iso(now_ms())}

    @routes.get("/ready")
    @describe("Able to take a turn", answers.READY, errors=["shutting_down", "over_capacity"])
    def ready() -> dict[str, Any]:
        if services.draining.is_set():
            raise ApiError(503, "shutting_down", "This server is stopping", headers={"Retry-After": "1"})
        if services.workers.running >= services.workers.limit:
            raise ApiError(503, "over_capacity", "Every thread is busy with a turn", headers={"Retry-After": "1"})
        usage = services.store.usage() if services.store.kind == "memory" else {}
        if usage and usage["used_bytes"] >= usage["max_bytes"]:
            raise ApiError(503, "over_capacity", "The in-memory store is full", headers={"Retry-After": "5"})
        return {"success": True, "ready": True, "degraded": services.store.degraded}

    @routes.get("/system/status")
    @describe("How the server does", answers.STATUS, about="Others than administrators get it without details.")
    def status() -> dict[str, Any]:
        return _status(services, detailed=caller().admin)

    @routes.get("/system/memory")
    @admin_only
    @describe("What the sessions take, and by what it is bounded", answers.MEMORY)
    def memory() -> dict[str, Any]:
        return {"success": True, "timestamp": iso(now_ms()), **_memory(services)}

    @routes.post("/system/cleanup")
    @admin_only
    @describe("Sweep now", answers.CLEANED)
    def cleanup() -> dict[str, Any]:
        begun = now_ms()
        ended = services.cleaner.run_once()
        return {"success": True, "ended": dict(ended), "durationMs": now_ms() - begun}

    @routes.get("/system/series")
    @admin_only
    @describe(
        "Counts of each minute",
        answers.SERIES,
        parameters=(number("minutes", 60, 1, 1_440), assistant("Only this one's; without it all.")),
    )
    def series() -> dict[str, Any]:
        minutes = query_number("minutes", 60, 1, 1_440)
        only = request.args.get("assistant")
        names = [services.engine(only).namespace] if only is not None else list(services.engines)
        found = stats.series(services.store, names, minutes, services.store.now())
        return {"success": True, "minutes": minutes, "series": [_minute(minute) for minute in found]}

    @routes.get("/system/events")
    @admin_only
    @describe(
        "What happens, as it happens, in all instances",
        answers.EVENTS,
        about="Events `session_started`, `session_ended`, `turn_completed` and `store_state`; it does not end.",
    )
    def events() -> Response:
        return sse.respond(_events(services))

    return routes


def _minute(minute: stats.Minute) -> dict[str, Any]:
    return {
        "minute": iso(minute.minute * 60_000),
        "turns": minute.turns,
        "sessionsStarted": minute.started,
        "sessionsEnded": minute.ended,
        "errors": minute.errors,
        "p50": minute.p50,
        "p95": minute.p95,
    }


def _events(services: Services) -> Iterator[bytes]:
    """The events of all instances, until the client leaves or the server stops."""
    listener = services.store.listen()
    try:
        yield sse.KEEP_AWAKE
        silent = 0
        while not services.draining.is_set():
            found = listener.get(timeout=1.0)
            silent = 0 if found else silent + 1
            if found:
                yield sse.event(str(found.get("type", "event")), {**found, "at": iso(int(found.get("at", 0)))})
            elif silent >= 15:
                silent = 0
                yield sse.KEEP_AWAKE
    finally:
        listener.close()


def _status(services: Services, *, detailed: bool) -> dict[str, Any]:
    store = services.store.status()
    body: dict[str, Any] = {
        "success": True,
        "status": "degraded" if store.degraded else "operational",
        "timestamp": iso(now_ms()),
        "version": services.config.version,
    }
    if not detailed:
        return body
    model = services.models.settings
    return {
        **body,
        "system": {
            "pythonVersion": platform.python_version(),
            "uptime": (now_ms() - services.started) // 1000,
            "memoryUsage": human_bytes(_resident()),
        },
        "features": {
            "langchain": True,
            "redis": store.backend == "redis" and not store.degraded,
            "weatherAPI": "weather" in services.registry,
            "sessionManagement": True,
            "archive": services.archive is not None,
            "offlineModel": services.models.offline,
            "authentication": services.config.auth,
        },
        "sessionConfig": dict(services.session_config),
        "memoryStats": _memory_or_reason(services),
        "model": {"provider": model.provider, "name": model.model, "fallback": model.fallback or None},
        "assistants": list(services.registry),
        "policies": {name: shapes.policy(engine.policy) for name, engine in services.engines.items()},
        "store": {"backend": store.backend, "state": store.state, "since": iso(store.since), **store.detail},
        "turns": {"running": services.workers.running, "limit": services.workers.limit},
    }


def _memory_or_reason(services: Services) -> Mapping[str, Any]:
    try:
        return _memory(services)
    except (StoreUnavailable, StoreFull) as error:
        return {"error": str(error)}


def _memory(services: Services) -> dict[str, Any]:
    store = services.store
    totals = [store.totals(name) for name in services.engines]
    usage = store.usage()
    active = sum(total.live for total in totals)
    counts = {
        "activeSessions": active,
        "activeConversations": sum(total.turns for total in totals),
        "sessionHistories": sum(total.histories + total.ended for total in totals),
    }
    degraded = store.degraded
    body: dict[str, Any] = {"sessionConfig": dict(services.session_config)}
    if store.kind == "redis" and not degraded:
        body["redis"] = {
            "connected": True,
            **counts,
            "memoryUsage": human_bytes(usage["used_bytes"]),
            "usedMemoryBytes": usage["used_bytes"],
            "maxMemoryBytes": usage["max_bytes"],
            "bytesPerSession": _bytes_per_session(services),
        }
    else:
        if store.kind == "redis":
            body["redis"] = {"connected": False}
        body["inMemory"] = {
            "activeSessions": active,
            "activeConversations": counts["activeConversations"],
            "bytes": usage["used_bytes"],
            "maxBytes": usage["max_bytes"],
        }
    body["bound"] = dict(services.bounds)
    body["cleanup"] = _cleanup(services)
    return body


def _bytes_per_session(services: Services) -> int:
    """What a session takes on average, by a sample of at most 20 of each assistant; 0 where there is none."""
    keys = [key for name in services.engines for key in services.store.live(name, _SAMPLE)]
    return services.store.bytes_of(keys) // len(keys) if keys else 0


def _cleanup(services: Services) -> dict[str, Any]:
    report = services.cleaner.report
    counters = services.store.counters()
    ended: dict[str, int] = {}
    for name in services.engines:
        for reason, times in stats.ended_by_reason(counters, name).items():
            ended[reason] = ended.get(reason, 0) + times
    return {
        "lastRun": iso(report.last_run) if report.last_run else None,
        "nextRun": iso(report.next_run) if report.next_run else None,
        "intervalMs": report.interval_ms,
        "runs": report.runs,
        "ended": ended,
    }


def _resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def human_bytes(number: float) -> str:
    """``12.3 MB``."""
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return ""
