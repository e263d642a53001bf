"""What ``deploy/`` holds, as far as it can be looked at without an engine."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from settings import SETTINGS, load
from tests.app import ParleyServer
from tests.servers import RedisServer

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
NAMES = {setting.name for setting in SETTINGS}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def queries() -> list[str]:
    board = json.loads((DEPLOY / "grafana.json").read_text())
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return shown + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def told(redis_server: RedisServer) -> dict[str, set[str]]:
    """The labels of each series that a server with Redis, a journal and some traffic tells of."""
    with ParleyServer({"REDIS_URL": redis_server.url()}) as server, server.client() as client:
        for assistant in ("weather", "shopping"):
            for _ in range(2):
                said = {"message": "phones under 300", "userId": "ada", "sessionId": "s1", "assistant": assistant}
                assert client.post("/chat", json=said).status_code == 200
        client.post("/sessions/ada/end")
        page = client.get("/metrics").text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("query", queries())
def test_dashboard_and_alerts_ask_for_what_is_told(query: str, told: dict[str, set[str]]) -> None:
    names = set(re.findall(r"parley_\w+", query))
    assert names
    assert names - told.keys() == set()
    labels = {label for name in names for label in told[name]}
    asked = set(re.findall(r"(\w+)(?:=~?|!=)\"", query))
    for group in re.findall(r"by \(([^)]*)\)", query):
        asked |= {label.strip() for label in group.split(",")}
    assert asked - labels == set()
    assert query.count("(") == query.count(")")


def test_what_is_the_same_in_all_instances_is_not_added_up() -> None:
    for query in queries():
        assert not re.search(r"sum[^(]*\((?:rate\()?parley_(sessions_|store_used|store_max|store_state)", query), query


def test_redis_evicts_nothing_and_writes_a_log() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    said = dict(zip(command[1::2], command[2::2], strict=True))

    assert (said["--appendonly"], said["--appendfsync"], said["--maxmemory-policy"]) == (
        "yes", "everysec", "noeviction",
    )  # fmt: skip


def test_the_instances_of_compose_are_shut_in_and_have_a_journal_each() -> None:
    instances = {name: each for name, each in COMPOSE["services"].items() if name.startswith("parley-")}
    assert len(instances) == 2
    for each in instances.values():
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert set(each["environment"]) <= NAMES
    assert len({each["volumes"][0].partition(":")[0] for each in instances.values()}) == 2
    assert COMPOSE["services"]["nginx"]["ports"][0].startswith("127.0.0.1:")
    assert not any("ports" in COMPOSE["services"][name] for name in ("redis", "postgres"))


def test_the_image_runs_without_rights_and_copies_what_is_there() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    last = "\n".join(lines[lines.index(stages[-1]) :])

    assert len(stages) == 3
    assert re.search(r"(?m)^USER 10001:10001$", last)
    assert "--require-hashes" in "\n".join(lines)
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
    for folder in ("memory", "agent", "api", "assistants"):
        assert f"COPY {folder}/ {folder}/" in last
    assert {"AUTH=on", "HOST=0.0.0.0"} <= set(re.findall(r"\w+=\S+", last))
    assert ".env" in (ROOT / ".dockerignore").read_text().split()


def test_nginx_keeps_a_user_at_one_instance_and_streams() -> None:
    text = (DEPLOY / "nginx.conf").read_text()

    assert text.count("{") == text.count("}")
    statements = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert [line for line in statements if line[-1] not in ";{}"] == []
    assert "hash $who consistent;" in statements
    assert "proxy_buffering off;" in statements
    named = set(re.findall(r"server (parley-\d):3000", text))
    assert named == {name for name in COMPOSE["services"] if name.startswith("parley-")}
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in statements  # not what the client wrote into it
    idle = int(re.findall(r"keepalive_timeout (\d+)s;", text)[0])
    assert idle < load({}, dotenv=None)["REQUEST_TIMEOUT"], "or it sends into what is being closed"


def test_the_unit_is_shut_in_and_stops_by_sigterm() -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "parley.service")
    service = parser["Service"]

    assert {"NoNewPrivileges", "PrivateTmp", "ProtectHome"} <= {name for name in service if service[name] == "yes"}
    assert (service["DynamicUser"], service["ProtectSystem"]) == ("yes", "strict")
    assert int(service["TimeoutStopSec"]) > 20
    assert {pair.partition("=")[0] for pair in service["Environment"].split()} <= NAMES


def test_the_manifests_run_without_rights_and_are_probed() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "parley.yaml").read_text()))
    by_kind = {each["kind"]: each for each in documents}
    pod = by_kind["StatefulSet"]["spec"]["template"]
    container = pod["spec"]["containers"][0]

    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert {each["name"] for each in container["env"]} <= NAMES
    for kind in ("Service", "PodDisruptionBudget"):
        selector = by_kind[kind]["spec"]["selector"]
        assert selector.get("matchLabels", selector) == pod["metadata"]["labels"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    claims = {each["metadata"]["name"] for each in by_kind["StatefulSet"]["spec"]["volumeClaimTemplates"]}
    assert mounted == claims | {each["name"] for each in pod["spec"]["volumes"]}
