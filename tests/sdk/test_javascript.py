"""The official JavaScript SDK of OpenAI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.app import ParleyServer
from tests.sdk.conftest import KEY, NEEDS_CHAT

pytestmark = NEEDS_CHAT

FOLDER = Path(__file__).parent


@pytest.mark.slow
def test_the_javascript_sdk_works_unchanged(parley: ParleyServer, tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        if "CI" in os.environ:
            pytest.fail("Node.js is missing")
        pytest.skip("Node.js is not installed")
    for name in ("package.json", "package-lock.json", "talk.mjs"):
        shutil.copy(FOLDER / name, tmp_path / name)
    install = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=300)

    env = {**os.environ, "BASE_URL": f"{parley.url}/v1", "API_KEY": KEY}
    ran = subprocess.run(
        [node, "talk.mjs"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
    )

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert {"chat", "weather"} <= set(told["models"])
    assert "Ada" in told["first"]
    assert told["usage"]
    assert "Ada" in told["streamed"]
    assert told["reason"] == "stop"
    assert told["streamUsage"]
    assert "Ada" in told["helper"]
    assert told["unknown"] == {"kind": "NotFoundError", "status": 404, "code": "model_not_found", "param": "model"}
    assert told["many"] == {"kind": "BadRequestError", "status": 400, "code": "invalid_request", "param": "n"}
    assert told["key"] == {"kind": "AuthenticationError", "status": 401, "type": "authentication_error"}
