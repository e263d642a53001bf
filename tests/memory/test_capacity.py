"""The command: what it is told, what it tells, and what it refuses."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api import shapes
from memory import Extension, SessionPolicy
from memory.capacity.__main__ import main
from memory.capacity.footprint import allocated, packed, slots
from memory.capacity.forecast import Costs, Forecast, forecast, kept_turns
from memory.capacity.texts import rows, sample
from memory.capacity.workload import FLAT, Mix, Workload, parse_policy, read_policies, with_shares

SHORT = SessionPolicy(duration=1800, inactivity=900, max_turns=20)
FEW = ("--users", "500", "--days", "2")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_policy_is_told_in_one_word() -> None:
    mix = parse_policy("junk:inactivity=300,extension=6/120,keep_turns=5,share=0.5,subject=session,attributes=90")
    policy = SessionPolicy(inactivity=300, extension=Extension(6, 120), keep_turns=5)
    assert mix == Mix("junk", policy, share=0.5, subject="session", attributes=90)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weather:inactivity=ten", "inactivity must be a number, got 'ten'"),
        ("weather:inactivty=900", "a policy has duration, inactivity"),
        ("weather:max_turns=20", "a session must end by itself"),
        ("weather:inactivity=900,share=0", "share of weather must be above 0"),
        ("weather:inactivity=900,subject=nobody", "must be user or session"),
        ("weather:inactivity=900,extension=6", "extension is TURNS/SECONDS"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_a_sentence(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--policy", text])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "0"), "users must be above 0"),
        (("--share", "default"), "--share is NAME=SHARE"),
        (("--sessions", "10000001"), "--sessions is from 1,000 to 10,000,000"),
        (("--message", "1000000"), "message must be 100,000 characters at most"),
        (("--redis", "memory://"), "redis://"),
        (("--policies", "nowhere.json"), "nowhere.json"),
    ],
)
def test_other_nonsense_is_refused_too(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*arguments])
    assert said in capsys.readouterr().err


def test_a_share_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no policy is named ghost"):
        with_shares([Mix("weather", SHORT)], {"ghost": 1.0})


POLICIES = {
    "weather": SHORT,
    "junk": SessionPolicy(inactivity=300, extension=Extension(6, 120), keep_turns=5, history_ttl=600, carry_over=True),
}


def test_policies_are_read_as_a_server_tells_them() -> None:
    status = {"policies": {name: shapes.policy(policy) for name, policy in POLICIES.items()}}
    listed = [
        {"name": name, "subject": "session", "summary": "", "policy": {**told, "newer": 1}}
        for name, told in status["policies"].items()
    ]
    assert read_policies(status) == [Mix(name, policy) for name, policy in POLICIES.items()]
    assert read_policies({"assistants": listed}) == [
        Mix(name, policy, subject="session") for name, policy in POLICIES.items()
    ]
    with pytest.raises(ValueError, match="expected the JSON of GET /assistants"):
        read_policies({"success": True})


def test_the_table_says_what_to_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FEW, "--policy", "weather:inactivity=900", "--policy", "news:inactivity=86400,subject=session"]) == 0
    table = capsys.readouterr().out
    for word in ("weather", "news", "used_memory", "maxmemory", "round trips to Redis", "workers"):
        assert word in table
    assert max(map(len, table.splitlines())) <= 80


def test_policies_come_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    policies = {"policies": {"a": {"inactivity": 900, "maxTurns": 5}, "b": {"duration": 60, "historyTtl": None}}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(policies)))
    document = told(capsys, *FEW, "--policies", "-", "--share", "a=3")
    assert {name: each["users"] for name, each in document["assistants"].items()} == {"a": 375, "b": 125}
    told_of = document["assistants"].values()
    parts = sum(size for each in told_of for part, size in each.items() if part not in ("users", "live"))
    assert parts + sum(document["shared"].values()) == pytest.approx(document["usedMemory"], abs=20)


def test_the_plot_is_a_picture_with_an_area_for_each(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "day.svg"
    main([*FEW, "--policy", "a&b:inactivity=900", "--policy", "news:inactivity=86400", "--plot", str(picture)])
    capsys.readouterr()
    said = [each.text or "" for each in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
    areas = [each for each in ET.parse(picture).iter("{http://www.w3.org/2000/svg}path") if each.get("fill")]
    assert len(areas) == 3
    assert any(text.startswith("a&b: ") for text in said)


def of(mix: Mix, **about: Any) -> Forecast:
    return forecast(Workload((mix,), **{"users": 1_000, "days": 1, **about}))


def test_what_takes_more_is_forecast_to_take_more() -> None:
    usual = of(Mix("a", SHORT))
    fullest = float(usual.bytes.max())
    longer = of(Mix("a", SessionPolicy(inactivity=86_400)))
    assert float(of(Mix("a", SHORT), reply=2_000).bytes.max()) > fullest
    assert float(of(Mix("a", SHORT), tools=2_000).bytes.max()) > fullest
    assert float(of(Mix("a", SHORT), keyed=0).bytes.max()) < fullest
    assert float(longer.bytes.max()) > 1.5 * fullest
    assert longer.assistants[0].day.live.max() > 5 * usual.assistants[0].day.live.max()


def test_random_text_is_compressed_less_than_prose() -> None:
    def mean(text: Any) -> float:
        sizes = rows(sample(Workload((Mix("a", SHORT),), text=text)))
        return sum(sizes) / len(sizes)

    assert mean("prose") < mean("random") < 1.1 * 480


def test_a_part_of_the_users_tells_of_all() -> None:
    """Three times as many as are simulated."""
    mix = Mix("a", SessionPolicy(inactivity=86_400))
    workload = Workload((mix,), users=6_000, days=2)
    whole, part = forecast(workload, most=10**9), forecast(workload, most=8_000)
    assert not np.array_equal(part.bytes, whole.bytes), "they are other users"
    assert float(part.bytes.max()) == pytest.approx(float(whole.bytes.max()), rel=0.05)


def test_the_ratio_of_a_measured_redis_counts_for_what_it_stores() -> None:
    workload = Workload((Mix("a", SHORT),), users=1_000, days=2)
    plain, less = forecast(workload), forecast(workload, Costs(ratio=0.5))
    assert less.assistants[0].bytes.max() == pytest.approx(plain.assistants[0].bytes.max() / 2)
    assert less.shared["Redis"] == plain.shared["Redis"]


def test_workers_are_as_many_as_their_threads_or_their_cpu_ask_for() -> None:
    workload = Workload((Mix("a", SHORT),), users=100_000, days=1, turns_a_day=20, curve=FLAT)  # 23 turns a second
    slow = forecast(workload, most=50_000).load
    assert slow.turns == pytest.approx(23, rel=0.25)
    assert slow.running == pytest.approx(3 * slow.turns)
    assert (slow.bound, slow.workers) == ("threads", -(-int(slow.running) // 51))
    assert slow.round_trips == pytest.approx(3.3 * slow.turns, rel=0.15), "two, a renewal, and what begins and ends"
    costly = forecast(workload, Costs(chat_ms=100), most=50_000).load
    assert (costly.bound, costly.workers) == ("CPU", -(-int(costly.turns * 100) // 800))


def test_bytes_bound_what_a_list_keeps() -> None:
    assert kept_turns(Mix("a", SessionPolicy(inactivity=60, keep_turns=50, max_bytes=1_000)), [200]) == 5
    assert kept_turns(Mix("a", SessionPolicy(inactivity=60, keep_turns=50, max_bytes=1_000)), [5_000]) == 1
    assert kept_turns(Mix("a", SessionPolicy(inactivity=60, keep_turns=50)), [200]) == 50


@pytest.mark.parametrize(
    ("size", "taken"),
    [(1, 16), (16, 16), (17, 32), (128, 128), (129, 160), (257, 320), (1_037, 1_280), (8_193, 10_240)],
)
def test_sizes_are_rounded_as_jemalloc_rounds_them(size: int, taken: int) -> None:
    assert allocated(size) == taken


def test_listpacks_and_tables_grow_by_their_own_steps() -> None:
    assert (packed(5), packed(100), packed(5_000)) == (7, 103, 5_007)
    assert (slots(1), slots(4), slots(5), slots(1_024), slots(1_025)) == (4, 4, 8, 1_024, 2_048)
