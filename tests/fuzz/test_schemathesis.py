"""Requests made from the description of the API, right and wrong: every answer is as described, none is a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.registry import find
from tests.app import ParleyServer
from tests.processes import free_port

KEY = "operators-key-of-the-tests"
PREFERENCES = "POST /api/v1/shopping/session/{session_id}/preferences"
CART_ADD = "POST /api/v1/shopping/session/{session_id}/cart/add"

IMPORT = "POST /api/sessions/import"

CONFIG: dict[str, Any] = {
    "auth": {"openapi": {"key": {"bearer": KEY}}},
    "checks": {
        # 413: a body that is whole but too long in bytes; 422: a key that was used before. No schema can say these.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "413", "422", "429", "5xx"],
        },
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "5xx"],
        },
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
    },
    "generation": {"allow-x00": False},
    "operations": [
        # What is imported has to add up.
        {
            "include-name": IMPORT,
            "checks": {
                "positive_data_acceptance": {"enabled": False},
                "allow_header_conformance": {"enabled": False},
            },
        },
        # A feed without an end.
        {"include-name": "GET /system/events", "enabled": False},
        # ``create`` could be an id too, so that DELETE is allowed there; so could ``import``.
        {
            "include-name": "POST /api/session/create",
            "checks": {"allow_header_conformance": {"enabled": False}},
        },
        # A budget is free text that has to mean an amount, and units of one article add up to 999 at most:
        # neither can be said in a schema.
        {"include-name": PREFERENCES, "checks": {"positive_data_acceptance": {"enabled": False}}},
        {"include-name": CART_ADD, "checks": {"positive_data_acceptance": {"enabled": False}}},
    ],
}


def environ(folder: Path) -> dict[str, str]:
    """A server without a network, whose operator has a key."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return {
        "AUTH": "on",
        "API_KEYS": f"*={KEY}",
        "REDIS_URL": "memory://",
        "RATE_LIMIT": "off",
        # What names no assistant shall be able to do all that sessions can: those of an archive end elsewhere.
        "DEFAULT_ASSISTANT": max(name for name, each in find().assistants.items() if not each.policy.archive),
        "DATA_DIR": str(folder / "data"),
        "TURN_WAIT": "1",
        "WEATHER_URL": nowhere,
        "GEOCODING_URL": nowhere,
    }


def test_a_few_requests_to_every_endpoint(tmp_path: Path) -> None:
    fuzz(tmp_path, "--phases", "examples,fuzzing", "--max-examples", "1", "--generation-deterministic")


@pytest.mark.slow
def test_many_requests_and_chains_of_them(tmp_path: Path) -> None:
    fuzz(tmp_path, "--max-examples", "30", "--generation-database", "none")


def fuzz(folder: Path, *options: str) -> None:
    """Run schemathesis against a server: all checks, but for what ``CONFIG`` takes out and says why; 0 failures."""
    given = folder / "schemathesis.toml"
    given.write_text(as_toml())
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(given), "run", *options, "--no-color"]
    # One worker: Python 3.11 can't read source in two threads at once (a SystemError now and then), and they share its
    # lock anyway.
    limits = ["--workers", "1", "--request-timeout", "30"]
    with ParleyServer(environ(folder)) as parley:
        ran = subprocess.run(
            [*command, *limits, f"{parley.url}/openapi.json"], cwd=folder, capture_output=True, text=True, timeout=1_500
        )

    told = "\n".join(line[:500] for line in ran.stdout.splitlines())
    assert ran.returncode == 0, told[-20_000:] + ran.stderr[-2_000:]
    assert "Tested:" in told


def as_toml() -> str:
    """``CONFIG``, for the command line."""
    lines = ["[auth.openapi]", f'key = {{ bearer = "{KEY}" }}', "[generation]", "allow-x00 = false"]
    for name, options in CONFIG["checks"].items():
        lines += [f"[checks.{name}]", f"expected-statuses = {options['expected-statuses']!r}".replace("'", '"')]
    for operation in CONFIG["operations"]:
        lines += ["[[operations]]", f'include-name = "{operation["include-name"]}"']
        if "enabled" in operation:
            lines.append("enabled = false")
        if checks := ", ".join(f"{name} = {{ enabled = false }}" for name in operation.get("checks", ())):
            lines.append(f"checks = {{ {checks} }}")
    return "\n".join(lines) + "\n"
