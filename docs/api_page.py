"""Writes the tables of endpoints in ``docs/api.md`` from the server's own description of them.

python docs/api_page.py          write them
python docs/api_page.py --check  exit 1 if they are out of date
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PAGE = ROOT / "docs" / "api.md"
START, END = "<!-- endpoints -->\n", "<!-- /endpoints -->\n"


def document() -> dict[str, Any]:
    """The description as a server with ``AUTH=on`` tells it."""
    import server
    import settings
    from api import create_app

    with tempfile.TemporaryDirectory() as folder:
        given = {"REDIS_URL": "memory://", "DATA_DIR": folder, "AUTH": "on", "API_KEYS": "*=for-this-page"}
        services = server.build(settings.load(given, dotenv=None))
        try:
            found: dict[str, Any] = create_app(services).test_client().get("/openapi.json").get_json()
        finally:
            services.close(drain=0)
    return found


def tables(described: dict[str, Any]) -> str:
    parts = []
    for tag in described["tags"]:
        parts.append(f"\n### {tag['name']}\n\n{tag['description']}\n\n| endpoint | | asks | answers | errors |\n")
        parts.append("| --- | --- | --- | --- | --- |\n")
        parts += [row for name, row in rows(described) if name == tag["name"]]
    parts.append("\n### Errors\n\n| status | code | when |\n| --- | --- | --- |\n")
    parts += [f"| {status} | `{code}` | {when} |\n" for code, (status, when) in errors()]
    return "".join(parts)


def with_tables(page: str, described: dict[str, Any]) -> str:
    """The page with fresh tables between its marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{tables(described)}\n{END}{after}"


def rows(described: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(tag, row of its table) of every endpoint."""
    for path, item in described["paths"].items():
        for method, operation in item.items():
            about = operation["summary"]
            if "For administrators only." in operation.get("description", ""):
                about += " *(admin)*"
            if "security" not in operation:
                about += " *(open)*"
            failures = [status for status in operation["responses"] if status[0] in "45"]
            cells = (f"`{method.upper()} {path}`", about, asks(described, operation), answer(described, operation))
            yield operation["tags"][0], f"| {' | '.join(cells)} | {' '.join(failures)} |\n"


def asks(described: dict[str, Any], operation: dict[str, Any]) -> str:
    """The fields of the body and the query; those that must be there are bold."""
    told = []
    if body := operation.get("requestBody"):
        schema = resolved(described, body["content"]["application/json"]["schema"])
        needed = schema.get("required", ())
        told += [f"**`{name}`**" if name in needed else f"`{name}`" for name in schema["properties"]]
    told += [f"`?{each['name']}`" for each in operation.get("parameters", ()) if each["in"] == "query"]
    return " ".join(told)


def answer(described: dict[str, Any], operation: dict[str, Any]) -> str:
    """The fields of the answer, or its kind where it is no JSON."""
    content = operation["responses"]["200"]["content"]
    told = [f"`{kind}`" for kind in content if kind != "application/json"]
    if media := content.get("application/json"):
        schema = resolved(described, media["schema"])
        told = [f"`{name}`" for name in schema.get("properties", ()) if name != "success"] + told
    return " ".join(told)


def resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def errors() -> list[tuple[str, tuple[int, str]]]:
    from api.errors import DESCRIBED

    return sorted(DESCRIBED.items(), key=lambda each: (each[1][0], each[0]))


def main() -> int:
    page = PAGE.read_text()
    wanted = with_tables(page, document())
    if "--check" in sys.argv:
        if page != wanted:
            print(f"{PAGE.name} is out of date: run python docs/api_page.py")
            return 1
        return 0
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
