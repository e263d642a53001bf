"""What goes on in all sessions together: for the analytics endpoint, and every minute for the log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from api.logs import hashed
from api.system import human_bytes
from assistants.junkjet.analytics import analytics
from assistants.junkjet.table import table
from memory import SessionEngine
from memory.engine import iterate_live

MOST_READ: Final = 10_000
"""Sessions that are looked at; the counts of what goes beyond come from the store's indexes."""

MOST_SHOWN: Final = 100
"""Entries of ``sessionDetails`` in an answer, those that end last first."""

log = logging.getLogger(__name__)


def overview(engine: SessionEngine) -> dict[str, Any]:
    """The analytics of seed 000, ``sessionDetails`` with everyone who was looked at."""
    totals = engine.store.totals(engine.namespace)
    views = list(iterate_live(engine, limit=MOST_READ))
    now = max((view.now for view in views), default=0)
    report = analytics([(view.session, view.verdict.at) for view in views], now, totals.histories)
    if len(views) == MOST_READ:
        report["totalActiveSessions"] = max(totals.live, MOST_READ)
    return report


def shown(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as a client gets it: its length is bounded, its counts are of everyone."""
    return {**report, "sessionDetails": report["sessionDetails"][:MOST_SHOWN]}


def logger_of(engine: SessionEngine) -> Callable[[Counter[str]], None]:
    """For a ``Cleaner``: after each sweep, how many sessions there are, what the store takes, and the table of them."""

    def tell(ended: Counter[str]) -> None:
        report = overview(engine)
        reasons = ", ".join(f"{reason} {number}" for reason, number in sorted(ended.items()))
        log.info(
            "%d active sessions with %d messages, %d histories; the store uses %s; cleanup ended %d%s",
            report["totalActiveSessions"],
            report["summary"]["totalMessages"],
            report["totalConversationHistories"],
            human_bytes(engine.store.usage()["used_bytes"]),
            ended.total(),
            f" ({reasons})" if reasons else "",
        )
        if report["sessionDetails"]:
            for line in table(report["sessionDetails"], hashed):
                log.info("%s", line)

    return tell
