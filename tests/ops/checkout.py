"""A copy of the project in a folder of its own, to be started and stopped by its process-manager.sh."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ["process-manager.sh", "deploy/manager", "deploy/redis.conf", "requirements.txt", "requirements-dev.txt"]
SERVER = ["server.py", "settings.py", "memory", "agent", "api", "assistants"]
# Behaves as the environment's STAND_IN says: the ways of a server that the real one does not show on demand.
STAND_IN = """
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

mood = os.environ.get("STAND_IN", "")
print("stand-in with REDIS_URL", os.environ.get("REDIS_URL"), flush=True)
if mood == "dies":
    sys.exit("INACTIVITY_TIMEOUT must be a whole number of seconds above 0, got 'ten'")
if mood == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if mood == "unready" else 200)
        self.end_headers()
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Checkout:
    """``run("start")`` and so on, with an environment of its own; ``end`` kills what is left of it."""

    def __init__(self, folder: Path, *, real_server: bool = True) -> None:
        self.folder = folder
        self.port = free_port()
        self.redis_port = free_port()
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment |= {"PORT": str(self.port), "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0"}
        for name in SCRIPT + (SERVER if real_server else []):
            self._copy(name)
        if not real_server:
            (folder / "server.py").write_text(STAND_IN)
        self._borrow_venv()

    def run(
        self, *arguments: str, environment: Mapping[str, str | None] | None = None, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run the script from elsewhere; a variable set to None is absent."""
        wanted = {**self.environment, **(environment or {})}
        return subprocess.run(
            [str(self.folder / "process-manager.sh"), *arguments],
            env={name: value for name, value in wanted.items() if value is not None},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def file(self, name: str) -> Path:
        """A file of RUN_DIR."""
        return self.folder / ".run" / name

    def pid(self, name: str = "server") -> int:
        return int(self.file(f"{name}.pid").read_text())

    def end(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "cwd").resolve().is_relative_to(self.folder):
                    os.kill(int(process.name), signal.SIGKILL)

    def _copy(self, name: str) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)

    def _borrow_venv(self) -> None:
        """A virtual environment that has the packages of this one, and is marked as complete."""
        (self.folder / ".venv").mkdir()
        for item in Path(sys.prefix).iterdir():
            if not item.name.endswith(".installed"):
                (self.folder / ".venv" / item.name).symlink_to(item)
        for name in ("requirements.txt", "requirements-dev.txt"):
            shutil.copy(ROOT / name, self.folder / ".venv" / f"{name}.installed")
