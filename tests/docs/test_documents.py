"""What the documents show works as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.conversation import Conversation, Request, Workers
from agent.models import Models, ModelSettings
from agent.registry import find
from memory import SessionEngine, open_store

ROOT = Path(__file__).resolve().parents[2]


def blocks(path: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)


def test_the_python_of_the_memory_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks("docs/memory.md", "python")))

    ran = subprocess.run([sys.executable, script], cwd=ROOT, env={"PYTHONPATH": "."}, capture_output=True, timeout=60)

    assert ran.returncode == 0, ran.stderr.decode()
    lines = ran.stdout.decode().splitlines()
    assert lines[0].startswith("session:user123:")
    carried = "- “I am Ada” → “Hello, Ada!”"
    assert lines[1:] == ["Almost.", "{'printer': 'toast'}", carried, "I was shown 1 messages."]


def test_the_engine_of_the_readme_runs(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = next(block for block in blocks("README.md", "python")).replace("redis://localhost:6379/0", redis_url)
    names: dict[str, object] = {}

    exec(compile(source, "README.md", "exec"), names)  # the README's own words

    engine = names["engine"]
    assert isinstance(engine, SessionEngine)
    assert engine.history("user123")[-1].response == "Cloudy, 9 °C"


def test_the_sixth_assistant_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "more_assistants" / "dice"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    (folder / "__init__.py").write_text(blocks("docs/assistants.md", "python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))

    dice = find("more_assistants")["dice"]
    engine = SessionEngine(open_store("memory://"), dice.policy, namespace="dice")
    conversation = Conversation(dice, engine, Models(ModelSettings()), Workers(2))
    done = conversation.run(Request("user123", "d20 please"))

    rolled = engine.session("user123")
    assert rolled is not None
    assert done.text == f"You rolled a {rolled.session.attributes['last']}."
    assert 1 <= rolled.session.attributes["last"] <= 20


@pytest.mark.skipif(len(find()) < 5, reason="an assistant was taken out, and its settings with it")
def test_every_setting_is_documented_with_its_default() -> None:
    ran = subprocess.run(
        [sys.executable, "docs/settings_table.py", "--check"], cwd=ROOT, capture_output=True, timeout=60
    )

    assert ran.returncode == 0, ran.stdout.decode()
