"""Make, list and revoke API keys: ``python -m api.keys make --user alice``. Running servers know within 2 seconds.

To replace a key without a gap: make a new one, give it to its user, revoke the old one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.key_store import EVERYBODY, FILE, SCOPES, ApiKey, KeyStore
from api.parsing import is_subject_id
from memory.clock import iso, now_ms

_DAY_MS = 86_400_000


def user(text: str) -> str:
    """A user's id or ``*``, for argparse."""
    if text == EVERYBODY or is_subject_id(text):
        return text
    raise argparse.ArgumentTypeError("must be a user's id, or * for every user")


def days(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 3_650:
        return int(text)
    raise argparse.ArgumentTypeError("must be a whole number of days from 1 to 3,650")


def state(key: ApiKey) -> str:
    if key.revoked is not None:
        return f"revoked {iso(key.revoked)}"
    if key.expires is None:
        return "good"
    return f"good until {iso(key.expires)}" if key.good(now_ms()) else f"expired {iso(key.expires)}"


def table(keys: Sequence[ApiKey]) -> Table:
    shown = Table("id", "user", "scopes", "made", "state", "note", box=None, pad_edge=False)
    for key in keys:
        shown.add_row(key.id, key.user, " ".join(key.scopes), iso(key.created), state(key), key.note)
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where there is no such key to revoke."""
    parser = argparse.ArgumentParser(prog="python -m api.keys", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "--data-dir", type=Path, default=Path("data"), metavar="FOLDER", help="the server's DATA_DIR (default: ./data)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make a key and print it, once")
    make.add_argument("--user", type=user, required=True, help="whose it is; * acts for every user")
    make.add_argument("--scope", action="append", choices=SCOPES, help="may be repeated (default: chat)")
    make.add_argument("--days", type=days, help="it expires after so many days (default: never)")
    make.add_argument("--note", default="", help="for people: what it is for")
    commands.add_parser("list", help="all keys, without their secrets")
    revoke = commands.add_parser("revoke", help="end a key")
    revoke.add_argument("id", help="as `list` shows it")
    asked = parser.parse_args(arguments)
    store = KeyStore(asked.data_dir / FILE)
    if asked.command == "make":
        expires = now_ms() + asked.days * _DAY_MS if asked.days else None
        secret, key = store.make(
            asked.user, tuple(dict.fromkeys(asked.scope or ["chat"])), note=asked.note, expires=expires
        )
        print(f"Made {key.id} in {store.path}. Keep this key, it is not shown again:", file=sys.stderr)
        print(secret)
        return 0
    if asked.command == "list":
        Console().print(table(store.all()))
        return 0
    if not store.path.exists() or not store.revoke(asked.id):
        print(f"There is no good key {asked.id} in {store.path}", file=sys.stderr)
        return 1
    print(f"Revoked {asked.id}; running servers refuse it within 2 seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
