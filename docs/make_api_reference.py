"""Write `docs/reference/api.md` from the OpenAPI document of the server; `make docs` runs it.

A test compares the page with what this writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from timbre.http.app import create_app
from timbre.settings import Settings

PAGE: Final = Path(__file__).parent / "reference" / "api.md"
REFERENCE: Final = "#/components/schemas/"
FIRST_ERROR: Final = 400
LARGE: Final = 10**6  # from here on a number is written in full
Operation = tuple[str, str, dict[str, Any]]
TEXTS: Final = {"uuid": "UUID", "date-time": "moment"}
WORDS: Final = {"integer": "whole number", "boolean": "`true` or `false`"}
CHAPTERS: Final = (  # by how paths begin, in the order of the page
    ("Keys", ("/v1/test", "/v1/keys")),
    ("Media", ("/v1/media",)),
    ("Submitting jobs", ("/v1/diarize", "/v1/voiceprint", "/v1/identify", "/v1/label")),
    ("Looking at jobs", ("/v1/jobs", "/v2/jobs")),
    ("Archive and review", ("/v1/archive", "/v1/review")),
    ("People", ("/v1/speakers",)),
    ("Webhooks, usage and audit", ("/v1/webhooks", "/v1/usage", "/v1/audit")),
    ("Signing in", ("/v1/session",)),
    ("The server itself", ("/v1/server", "/v1/models", "/")),
)
INTRODUCTION: Final = """\
# The API

This page is written by `make docs` from the OpenAPI document that every server has at `/openapi.json`; give that to a
generator of clients. What is the same as in the hosted service of pyannoteAI and what is not says [coming from
pyannoteAI](../how-to/move-from-pyannoteai.md).

- Send `Authorization: Bearer sk_…` with every request, except to links to media and to the server's own pages.
- A key has scopes. `jobs:write` is for submitting, canceling, erasing and delivering again, `jobs:read` for looking at
  jobs, deliveries and usage, `media:write` for links to upload to, `media:read` for links to download from. Testing a
  key needs none. `speakers:read` and `speakers:write` are for the people of the gallery, `admin` for keys, models,
  secrets of webhooks, the audit, the server itself and taking voiceprints elsewhere; `stream:read` and `stream:write`
  do nothing yet.
- Bodies are JSON in UTF-8, whatever `Content-Type` says. `null` stands for an option that is left out. Keys that are
  not known are passed over, and named in `warning`.
- Times of recordings are seconds; moments are ISO 8601 in UTC with milliseconds, as `2026-10-02T08:15:31.204Z`.
- Every answer has `X-Request-Id`; where requests are limited, `X-RateLimit-Limit`, `X-RateLimit-Remaining` and
  `X-RateLimit-Reset` (seconds) say how many are left.
- A slash at the end of a path does no harm. There are no redirects.
"""


def page(document: dict[str, Any]) -> str:
    """The whole page."""
    operations = _operations(document)
    parts = [INTRODUCTION, "## Errors\n", _errors(operations), "## Operations\n", _overview(operations)]
    for title, prefixes in CHAPTERS:
        parts.append(f"## {title}\n")
        parts += [_operation(*each) for each in operations if _chapter(each[1]) == (title, prefixes)]
    schemas = document["components"]["schemas"]
    for title, names in _sorted(operations, schemas):
        parts.append(f"## {title}\n")
        parts += [_schema(name, schemas[name]) for name in names]
    return "\n".join(parts).rstrip() + "\n"


def _operations(document: dict[str, Any]) -> list[Operation]:
    """Method, path and description of each, by path; what is old at the end."""
    found = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda each: (each[2].get("deprecated", False), each[1]))


def _chapter(path: str) -> tuple[str, tuple[str, ...]]:
    return next(chapter for chapter in CHAPTERS if path.startswith(chapter[1]))


def _errors(operations: list[Operation]) -> str:
    told: dict[str, tuple[str, str]] = {}
    for _, _, operation in operations:
        for status, answer in operation["responses"].items():
            if int(status) >= FIRST_ERROR:
                told.setdefault(status, (_content(answer), answer["description"]))
    rows = [f"| {status} | {body} | {when} |" for status, (body, when) in sorted(told.items())]
    return _table(("status", "body", "when"), rows) + (
        "\nAny route may answer 500 with an [`ApiError`](#apierror): that is a fault of Timbre, and the server's log\n"
        "has it under the `requestId`. [Errors](errors.md) lists them by name.\n"
    )


def _overview(operations: list[Operation]) -> str:
    rows = []
    for title, prefixes in CHAPTERS:
        for method, path, operation in operations:
            if _chapter(path) == (title, prefixes):
                rows.append(f"| [`{method} {path}`](#{_anchor(f'{method} {path}')}) | {operation['summary']} |")
    return _table(("operation", "what it does"), rows)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    old = " Old; prefer `GET /v2/jobs`." if operation.get("deprecated") else ""
    lines = [f"### `{method} {path}`\n", f"{operation['summary']}.{old} {operation['description']}\n"]
    if not operation.get("security"):
        lines.append("Needs no key.\n")
    if parameters := operation.get("parameters"):
        lines.append(_table(("parameter", "in", "type", "default", "what"), map(_parameter, parameters)))
    if body := operation.get("requestBody"):
        lines.append(f"**Body:** {_content(body)}\n")
    answers, errors = [], []
    for status, answer in operation["responses"].items():
        if int(status) < FIRST_ERROR:
            answers.append(f"{status}{_joined(_content(answer))}")
        else:
            errors.append(status)
    lines.append(f"**Answer:** {'; '.join(answers)}\n")
    if errors:
        lines.append(f"**Errors:** {', '.join(errors)}\n")
    return "\n".join(lines)


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    # Names of headers are the same in any case; this is how they are usually written.
    name = parameter["name"].title() if parameter["in"] == "header" else parameter["name"]
    default = "required" if parameter["required"] and parameter["in"] != "path" else _default(schema)
    return _row(f"`{name}`", parameter["in"], _type(schema), default, parameter.get("description", ""))


def _content(part: dict[str, Any]) -> str:
    """What a body holds: a schema of this page, or types of media."""
    kinds = part.get("content", {})
    if "schema" in kinds.get("application/json", {}) and "$ref" in kinds["application/json"]["schema"]:
        return _type(kinds["application/json"]["schema"])
    return " or ".join(f"`{kind}`" for kind in kinds)


def _joined(text: str) -> str:
    return f" with {text}" if text else ""


def _sorted(operations: list[Operation], schemas: dict[str, Any]) -> tuple[tuple[str, list[str]], ...]:
    """Names of schemas: those that are sent, and those that come back, each in the order of the operations."""
    sent: dict[str, None] = {}
    came: dict[str, None] = {}
    for _, _, operation in operations:
        _collect(operation.get("requestBody", {}), schemas, sent)
    for _, _, operation in operations:
        _collect(operation["responses"], schemas, came)
    return ("What is sent", list(sent)), ("What comes back", [name for name in came if name not in sent])


def _collect(part: Any, schemas: dict[str, Any], found: dict[str, None]) -> None:
    if isinstance(part, dict):
        reference = str(part.get("$ref", ""))
        name = reference.removeprefix(REFERENCE)
        if name != reference and name not in found:
            found[name] = None
            _collect(schemas[name], schemas, found)
        for value in part.values():
            _collect(value, schemas, found)
    elif isinstance(part, list):
        for value in part:
            _collect(value, schemas, found)


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = []
    for field, rule in schema["properties"].items():
        default = "required" if field in required else _default(rule)
        text = _type(rule, null=field in required)
        rows.append(_row(f"`{field}`", text, default, rule.get("description", "")))
    return f"### `{name}`\n\n{schema['description']}\n\n{_table(('field', 'type', 'default', 'what'), rows)}"


def _default(rule: dict[str, Any]) -> str:
    value = rule.get("default")
    return "" if value is None else f"`{_number(value) if isinstance(value, float) else json.dumps(value)}`"


def _type(rule: dict[str, Any], *, null: bool = False) -> str:
    """A type in words; with `null`, also whether it may be null."""
    kind = rule.get("type", "choice")
    if "$ref" in rule:
        name = rule["$ref"].removeprefix(REFERENCE)
        text = f"[`{name}`](#{_anchor(name)})"
    elif "anyOf" in rule:
        options = [_type(option) for option in rule["anyOf"] if option.get("type") != "null"]
        if null and len(options) < len(rule["anyOf"]):
            options.append("null")
        text = " or ".join(options)
    elif "enum" in rule or "const" in rule:
        text = ", ".join(f"`{value}`" for value in rule.get("enum", [json.dumps(rule.get("const"))]))
    elif kind == "array":
        text = f"list of {_bounds(rule, 'Items').lstrip(', ')} {_type(rule['items'])}".replace("  ", " ")
    elif kind == "object" and "properties" in rule:
        text = f"object with {', '.join(f'`{name}`: {_type(part)}' for name, part in rule['properties'].items())}"
    elif kind == "object":
        text = f"object: name to {_type(rule['additionalProperties'])}"
    elif kind == "string":
        text = TEXTS.get(rule.get("format", ""), "text") + _bounds(rule, "Length")
    else:
        text = WORDS.get(kind, kind) + _bounds(rule, "imum")
    return text


def _bounds(rule: dict[str, Any], what: str) -> str:
    least, most = rule.get(f"min{what}"), rule.get(f"max{what}")
    unit = " characters" if what == "Length" else ""
    if least is not None and most is not None:
        return f", {_number(least)} to {_number(most)}{unit}"
    if most is not None:
        return f", at most {_number(most)}{unit}"
    return "" if least is None else f", at least {_number(least)}{unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= LARGE else f"{value:g}"


def _anchor(heading: str) -> str:
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _table(titles: tuple[str, ...], rows: Iterable[str]) -> str:
    return "\n".join((_row(*titles), f"|{'---|' * len(titles)}", *rows)) + "\n"


def document() -> dict[str, Any]:
    """The OpenAPI document, as a server serves it; no database is asked."""
    return create_app(Settings(), "postgresql://").openapi()


if __name__ == "__main__":
    PAGE.write_text(page(document()), encoding="utf-8")
