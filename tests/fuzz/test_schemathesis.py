"""Requests made from the description of the API, right and wrong ones: every answer is as described, none is a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

import server
import settings as environment
from api import create_app
from tests.app import ParleyServer
from tests.processes import free_port

KEY = "operators-key-of-the-tests"
PREFERENCES = "POST /api/v1/shopping/session/{session_id}/preferences"
CART_ADD = "POST /api/v1/shopping/session/{session_id}/cart/add"

CONFIG: dict[str, Any] = {
    "auth": {"openapi": {"key": {"bearer": KEY}}},
    "checks": {
        # 422: a key that was used before, which is no fault of the data.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "422", "429", "5xx"],
        },
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
    },
    "generation": {"allow-x00": False},
    "operations": [
        # A feed without an end.
        {"include-name": "GET /system/events", "enabled": False},
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
        "DATA_DIR": str(folder / "data"),
        "TURN_WAIT": "1",
        "WEATHER_URL": nowhere,
        "GEOCODING_URL": nowhere,
    }


@pytest.fixture(scope="module")
def api_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    services = server.build(environment.load(environ(tmp_path_factory.mktemp("fuzz")), dotenv=None))
    app = create_app(services)
    yield schemathesis.openapi.from_wsgi("/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG))
    services.close(drain=5)


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_a_few_requests_to_every_endpoint(case: schemathesis.Case) -> None:
    case.call_and_validate()


@pytest.mark.slow
def test_many_requests_and_chains_of_them_to_a_server(tmp_path: Path) -> None:
    """All phases and all checks, as ``schemathesis run`` does it."""
    given = tmp_path / "schemathesis.toml"
    given.write_text(as_toml())
    with ParleyServer({**environ(tmp_path), "DATA_DIR": str(tmp_path / "data")}) as parley:
        ran = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(given), "run",
                f"{parley.url}/openapi.json", "--checks", "all", "--max-examples", "50", "--no-color",
                "--workers", "2", "--generation-database", "none", "--request-timeout", "30",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=1_500,
        )  # fmt: skip

    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]


def as_toml() -> str:
    """``CONFIG``, for the command line."""
    checks = CONFIG["checks"]
    lines = ["[auth.openapi]", f'key = {{ bearer = "{KEY}" }}', "[generation]", "allow-x00 = false"]
    for name, options in checks.items():
        lines += [f"[checks.{name}]", f"expected-statuses = {options['expected-statuses']!r}".replace("'", '"')]
    for operation in CONFIG["operations"]:
        lines += ["[[operations]]", f'include-name = "{operation["include-name"]}"']
        if "enabled" in operation:
            lines.append("enabled = false")
        for name in operation.get("checks", ()):
            lines.append(f"checks = {{ {name} = {{ enabled = false }} }}")
    return "\n".join(lines) + "\n"
