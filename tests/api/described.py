"""A client that holds every answer against the server's own description."""

from __future__ import annotations

import copy
import re
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

Json = dict[str, Any]


class Checked:
    """Sends requests to a Flask test client and checks each answer: its status, kind, headers and JSON are described,
    and it holds no field that is not. ``seen`` has every (path, method, status) that was answered."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.document: Json = client.get("/openapi.json").json
        self._schemas = strict(self.document["components"]["schemas"])
        self.seen: set[tuple[str, str, str]] = set()

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        response = self.client.open(path, method=method.upper(), **options)
        template, operation = self.operation(method.lower(), path.partition("?")[0])
        status = str(response.status_code)
        assert status in operation["responses"], f"{method} {path}: {status} is not described: {response.text[:500]}"
        self.seen.add((template, method.lower(), status))
        answer = operation["responses"][status]
        content = answer["content"]
        assert response.mimetype in content, f"{method} {path}: {response.mimetype} is not described"
        if any("RequestId" in header["$ref"] for header in answer.get("headers", {}).values()):
            assert response.headers["X-Request-Id"]
        if response.mimetype == "application/json":
            self.check(content["application/json"]["schema"], response.json, f"{method} {path} {status}")
        return response

    def operation(self, method: str, path: str) -> tuple[str, Json]:
        """The description of what a request asks for; exact addresses before those with variables."""
        templates = sorted(self.document["paths"], key=lambda template: template.count("{"))
        for template in templates:
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path.rstrip("/") or "/") and method in self.document["paths"][template]:
                return template, self.document["paths"][template][method]
        raise AssertionError(f"{method} {path} is not described")

    def check(self, schema: Json, value: Any, where: str) -> None:
        whole = {**strict(schema), "components": {"schemas": self._schemas}}
        errors = list(Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value))
        assert not errors, f"{where}: {errors[0].json_path}: {errors[0].message}"


def strict(schema: Any) -> Any:
    """The schema, no longer open to fields that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: copy.deepcopy(item) if name == "examples" else strict(item) for name, item in schema.items()}
    if "properties" in made and "type" in made:
        made.setdefault("additionalProperties", False)
    return made
