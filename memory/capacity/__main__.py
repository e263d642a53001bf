"""How much Redis do I need?

    python -m memory.capacity --users 100000
    python -m memory.capacity --users 100000 --policy support:inactivity=900,max_turns=20,share=0.8 \\
        --policy research:inactivity=86400,keep_turns=100,subject=session,share=0.2
    curl -s localhost:3000/assistants | python -m memory.capacity --users 100000 --policies -

Simulates some days of sessions and says what of them is in Redis at the fullest minute of the last one.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from memory.capacity.forecast import Costs, forecast
from memory.capacity.measure import measure
from memory.capacity.plot import draw
from memory.capacity.table import document, tables
from memory.capacity.workload import (
    DAY_CURVE,
    FLAT,
    Mix,
    Workload,
    parse_policy,
    read_policies,
    with_shares,
)
from memory.errors import ParleyError

DEFAULT_POLICY = "default:duration=1800,inactivity=900,max_turns=20"
MOST_SESSIONS = 10_000_000


def main(arguments: list[str] | None = None) -> int:
    options = _parser()
    chosen = options.parse_args(arguments)
    try:
        if not 1_000 <= chosen.sessions <= MOST_SESSIONS or chosen.threads < 1:
            raise ValueError(f"--sessions is from 1,000 to {MOST_SESSIONS:,}, --threads 1 or more")
        mixes = _mixes(chosen)
        workload = Workload(mixes=mixes, curve=FLAT if chosen.flat else DAY_CURVE, **_workload(chosen))
        costs = Costs(threads=chosen.threads)
        if chosen.redis:
            costs = measure(chosen.redis, workload, costs)
        told = forecast(workload, costs, most=chosen.sessions)
    except (ValueError, OSError, ParleyError) as error:
        options.error(str(error))
    if chosen.json:
        print(json.dumps(document(told), indent=2))
    else:
        console = Console()
        if chosen.redis:
            console.print(f"{chosen.redis.rpartition('@')[2]} takes {costs.ratio:.3f} × what Redis 7.0 would.")
        console.print(tables(told))
    if chosen.plot:
        chosen.plot.write_text(draw(told), "utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = Workload(mixes=(parse_policy(DEFAULT_POLICY),))
    options = argparse.ArgumentParser(
        prog="python -m memory.capacity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = options.add_argument
    add("--users", type=int, default=usual.users, help="users who talk at all (%(default)s)")
    who = options.add_argument_group("policies")
    who.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="NAME:FIELD=VALUE,…",
        help="as in SessionPolicy, with share=, subject=user|session, attributes=BYTES, extension=TURNS/SECONDS; "
        f"may be given several times ({DEFAULT_POLICY})",
    )
    who.add_argument("--policies", metavar="FILE", help="JSON of GET /assistants or /system/status; - is stdin")
    who.add_argument("--share", action="append", default=[], metavar="NAME=SHARE", help="of the users; else equal")
    talk = options.add_argument_group("how people talk (seconds, characters)")
    for name, about in (
        ("turns_a_day", "turns of a user in a day"),
        ("turns_a_visit", "turns until they go away again"),
        ("gap", "seconds between a reply and the next message"),
        ("model_seconds", "seconds that a reply takes"),
        ("message", "characters of a message"),
        ("reply", "characters of a reply"),
        ("tools", "characters that tools answer in a turn"),
        ("user_id", "characters of a user's id"),
        ("keyed", "share of clients that send idempotency keys"),
        ("cleanup", "seconds between two sweeps (CLEANUP_INTERVAL)"),
        ("days", "days since the first user came; the last one is told of"),
    ):
        default = getattr(usual, name)
        talk.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"{about} ({default:g})"
        )
    talk.add_argument("--text", choices=("prose", "random"), default=usual.text, help="its kind (%(default)s)")
    talk.add_argument("--flat", action="store_true", help="as many turns by night as by day")
    talk.add_argument("--no-owners", dest="owners", action="store_false", help="nobody tells who they are")
    rest = options.add_argument_group("the forecast")
    rest.add_argument("--threads", type=int, default=Costs().threads, help="of a worker (%(default)s)")
    rest.add_argument(
        "--redis",
        metavar="URL",
        help="put some thousand sessions in there, weigh them, and take them out again",
    )
    rest.add_argument(
        "--sessions", type=int, default=1_000_000, help="simulated at most: of more users, a part (%(default)s)"
    )
    rest.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the day")
    rest.add_argument("--json", action="store_true", help="print JSON, in bytes")
    return options


def _positive(name: str, text: str) -> float:
    """``ValueError`` where the text is no number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError(f"--share is NAME=SHARE, a number above 0, got {name}={text}")
    return number


def _workload(chosen: argparse.Namespace) -> dict[str, Any]:
    named = Workload.__slots__
    return {name: value for name, value in vars(chosen).items() if name in named}


def _mixes(chosen: argparse.Namespace) -> tuple[Mix, ...]:
    mixes = [parse_policy(text) for text in chosen.policy]
    if chosen.policies:
        text = sys.stdin.read() if chosen.policies == "-" else Path(chosen.policies).read_text("utf-8")
        try:
            mixes = read_policies(json.loads(text)) + mixes
        except json.JSONDecodeError as error:
            raise ValueError(f"--policies holds no JSON: {error}") from error
    shares = {}
    for text in chosen.share:
        name, _, share = text.partition("=")
        shares[name] = _positive(name, share)
    return with_shares(mixes or [parse_policy(DEFAULT_POLICY)], shares)


if __name__ == "__main__":
    raise SystemExit(main())
