"""Starts the server: settings, services, application, and the processes that serve it."""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import multiprocessing.util
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import settings as environment
from api.slow_bodies import PROTOCOL
from settings import BadSetting, Settings

VERSION: Final = "0.1.0"

log = logging.getLogger("parley")


def build(settings: Settings, store: Any = None, *, counts: Path | None = None) -> Any:
    """The services of one process, on ``store`` where one is given. Connects to nothing and starts no thread.

    ``counts`` is the folder in which several processes count together.
    """
    from agent.conversation import Conversation, Workers
    from agent.models import Models
    from agent.registry import find
    from agent.summaries import Summaries
    from api import Services
    from api.metrics import Metrics
    from memory import Cleaner, SessionEngine, open_failover_store
    from memory.archive import Archive
    from memory.leases import LeaseKeeper

    registry = find("assistants", settings["ASSISTANTS"])
    config = settings.api(VERSION)
    if config.default_assistant not in registry:
        if "DEFAULT_ASSISTANT" in settings.raw:
            raise BadSetting(
                f"DEFAULT_ASSISTANT must be one of {', '.join(registry)}, got {config.default_assistant!r}"
            )
        config = replace(config, default_assistant=next(iter(registry)))
    for package in registry.packages.values():
        if hasattr(package, "configure"):
            package.configure(settings.of_package(package.SETTINGS))
    policies = {name: settings.policy(name, assistant.policy) for name, assistant in registry.items()}
    metrics = Metrics(counts)
    webhooks = None
    if settings["WEBHOOK_URL"]:
        from api.webhooks import WebhookConfig, Webhooks

        webhooks = Webhooks(
            WebhookConfig(settings["WEBHOOK_URL"], settings["WEBHOOK_SECRET"], settings["WEBHOOK_QUEUE"], VERSION),
            {name: assistant.subject == "user" for name, assistant in registry.items()},
            metrics.webhook,
        )
    on_end = webhooks.ended if webhooks else None
    if store is None:
        store = open_failover_store(
            settings.store_url,
            durability_of={name: policy.durability for name, policy in policies.items()},
            journal_dir=settings.data_dir() / "journal",
            journal_key=settings["JOURNAL_KEY"],
            max_bytes=settings["LOCAL_MAX_BYTES"],
            max_connections=settings["THREADS"] + 8,
            secret=config.secret_key.encode(),
            on_end=on_end,
        )
    archive = None
    if any(policy.archive for policy in policies.values()):
        archive = Archive(settings.database_url, pool_size=max(5, settings["THREADS"] // 8))
    leases = LeaseKeeper(store)
    models = Models(settings.model)
    workers = Workers(settings["THREADS"])
    engines = {
        name: SessionEngine(
            store,
            policy,
            namespace=name,
            turn_wait=settings["TURN_WAIT"],
            archive=archive,
            leases=leases,
            make_summary=registry[name].summarise,
            on_end=on_end,
        )
        for name, policy in policies.items()
    }
    summaries = None if models.offline else Summaries(models)
    return Services(
        config=config,
        registry=registry,
        store=store,
        engines=engines,
        conversations={
            name: Conversation(
                assistant,
                engines[name],
                models,
                workers,
                watch=metrics,
                summaries=summaries if policies[name].carry_over or policies[name].summarise else None,
            )
            for name, assistant in registry.items()
        },
        models=models,
        workers=workers,
        leases=leases,
        cleaner=Cleaner(list(engines.values()), settings["CLEANUP_INTERVAL"] / 1000),
        metrics=metrics,
        archive=archive,
        summaries=summaries,
        webhooks=webhooks,
        session_config=settings.session_config(),
        bounds={
            "maxBytesPerSession": settings["MAX_SESSION_BYTES"],
            "maxTurnsAtOnce": settings["THREADS"] * settings["WORKERS"],
            "localMaxBytes": settings["LOCAL_MAX_BYTES"],
        },
    )


def load_app(settings: Settings, counts: Path | None = None) -> Any:
    """In a worker process: the application, with its threads started."""
    from api import create_app, logs, tracing

    _die_with_parent()
    _finish_first()
    logs.configure(settings["LOG_LEVEL"], settings["LOG_FORMAT"])
    if settings["OTEL_EXPORTER_OTLP_ENDPOINT"]:
        for name, value in settings.raw.items():
            if name.startswith("OTEL_"):  # the SDK looks into the environment, which .env is no part of
                os.environ.setdefault(name, value)
        traces = tracing.start(VERSION)
        multiprocessing.util.Finalize(None, traces.shutdown, exitpriority=90)
    services = build(settings, counts=counts)
    app = create_app(services)  # blueprints may add cleaners, so before the start
    services.start()
    multiprocessing.util.Finalize(None, _close, (services, settings["DRAIN_TIMEOUT"]), exitpriority=100)
    gc.collect()
    gc.freeze()  # what is there now stays: collections need not look at it again
    gc.set_threshold(20_000, 50, 50)  # a turn leaves no cycles worth looking for every 700 objects
    return app


COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks, when it is imported, for the folder in which several processes count together."""


def _shared_counts(folder: Path) -> Path:
    """A fresh folder for the counts of this server's workers; those of servers that are gone are removed."""
    for old in folder.glob("*"):
        if not Path(f"/proc/{old.name}").exists():
            shutil.rmtree(old, ignore_errors=True)
    own = folder / str(os.getpid())
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(mode=0o700, parents=True)
    return Path(os.environ.setdefault(COUNTS, str(own)))


def _close(services: Any, drain: float) -> None:
    left = services.close(drain)
    if left:
        log.warning("%d turns were still running after %g s and were given up", left, drain)
    log.info("stopped")


def _die_with_parent() -> None:
    """A worker whose main process was killed goes with it and frees the port (Linux: PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _finish_first() -> None:
    """Among hundreds of threads that want Python's lock, whoever wakes up does not push its holder aside, for it could
    do nothing but wait (Linux: SCHED_BATCH, inherited by all threads of this process)."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


MAX_HEAD: Final = 32_768
"""Bytes of a request's line and headers; of headers Granian takes 98. Beyond it says 431, and 414 for an address."""


def _connections(threads: int) -> int:
    """How many connections a process takes at once; more wait in the kernel. One that is silent costs no thread."""
    wanted = max(1_024, 4 * threads)
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + 4 * threads + 256  # as many again for Redis, models and files
    if files > least:
        files = files if most == resource.RLIM_INFINITY else min(files, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))  # inherited by the workers
    return wanted


def _hand_down_the_protocol() -> None:
    """Have Granian give the application its end of each connection, by which a slow body is refused."""
    mp: Any = importlib.import_module("granian.server.mp")
    wrap = mp._wsgi_call_wrap

    def wrapped(callback: Any, *options: Any) -> Callable[[Any, dict[str, Any]], int]:
        serve = wrap(callback, *options)

        def with_protocol(protocol: Any, scope: dict[str, Any]) -> int:
            scope[PROTOCOL] = protocol
            return serve(protocol, scope)  # type: ignore[no-any-return]

        return with_protocol

    mp._wsgi_call_wrap = wrapped


def main() -> int:
    """Serve until SIGTERM or SIGINT. 2 when a setting makes no sense."""
    try:
        settings = environment.load()
        folder = settings.data_dir() / "metrics"
        counts = _shared_counts(folder) if settings["WORKERS"] > 1 else None
        build(settings, counts=counts)  # whatever is wrong is told now, not by a worker
    except (BadSetting, LookupError, ValueError) as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    _hand_down_the_protocol()
    server = Granian(
        "server:load_app",
        address=settings["HOST"],
        port=settings["PORT"],
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,  # nobody speaks HTTP/2 without TLS, and its heads would have no time and no size
        http1_settings=HTTP1Settings(header_read_timeout=1_000 * settings["REQUEST_TIMEOUT"], max_buffer_size=MAX_HEAD),
        websockets=False,
        workers=settings["WORKERS"],
        blocking_threads=settings["THREADS"] + 8,
        backlog=2_048,
        backpressure=_connections(settings["THREADS"]),
        workers_kill_timeout=settings["DRAIN_TIMEOUT"] + 5,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    )
    loader: Callable[..., Any] = lambda *_, **__: load_app(settings, counts)  # noqa: E731
    server.serve(target_loader=loader, wrap_loader=False)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    sys.exit(main())
