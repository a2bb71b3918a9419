"""The description of the HTTP API as a page of plain HTML: no script, nothing loaded from anywhere."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}"
    "h2{margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem;overflow-wrap:anywhere}"
    "code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0}"
    "td:first-child{width:28%}td:nth-child(2){width:26%}"
    "tr+tr td{border-top:1px solid #eee}summary{cursor:pointer}a{color:#0645ad}"
    "@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}a{color:#8ab4f8}"
    "h2{border-color:#444}tr+tr td{border-color:#333}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: Of the page. Nothing but its own style is allowed.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def make_page(document: Mapping[str, Any], *, document_url: str) -> str:
    """Make the page of an OpenAPI document.

    Args:
        document: the document.
        document_url: where a program finds it.
    """
    title = escape(document["info"]["title"])
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title} {escape(document['info']['version'])}</h1><p>{escape(document['info']['description'])} "
        f'The same for programs: <a href="{escape(document_url)}">openapi.json</a>.</p>'
        f"{operations}<h2>Schemas</h2>{schemas}</html>"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    wants = "".join(
        f"<p>Needs <code>Authorization: Bearer {escape(name)}</code>.</p>"
        for requirement in operation["security"]
        for name in requirement
    )
    parameters = [
        (each["name"], f"{each['in']}: {_kind(each['schema'])}", each["description"])
        for each in operation.get("parameters", ())
    ]
    body = [("body", _content(each), ", ".join(each["content"])) for each in [operation.get("requestBody")] if each]
    answers = [(status, _content(each), each["description"]) for status, each in operation["responses"].items()]
    return (
        f'<h2 id="{escape(operation["operationId"])}"><code>{method.upper()} {escape(path)}</code></h2>'
        f"{_paragraph(operation['summary'])}{_paragraph(operation.get('description', ''))}{wants}"
        f"{_table(parameters + body)}{_table(answers)}"
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    rows = [(path, _kind(each), each.get("description", "")) for path, each in _properties(schema)]
    return (
        f'<details id="{escape(name)}" open><summary><b>{escape(name)}</b> {_kind(schema)}</summary>'
        f"{_paragraph(schema.get('description', ''))}{_table(rows)}</details>"
    )


def _properties(schema: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in schema.get("properties", {}).items():
        yield f"{above}{name}", each
        yield from _properties(each, f"{above}{name}.")


def _content(part: Mapping[str, Any]) -> str:
    """Describe in HTML the JSON of a body, or what else it is."""
    kinds = {
        _kind(each["schema"]) if "json" in media else escape(media): None
        for media, each in part.get("content", {}).items()
    }
    return " or ".join(kinds)


def _kind(schema: Mapping[str, Any]) -> str:
    """Describe in HTML what a value may be."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(map(_kind, schema[several]))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    words = [schema.get("format") or schema.get("type", "anything")]
    if "minimum" in schema:
        words.append(f"from {schema['minimum']} to {schema['maximum']}")
    if schema.get("default") is not None:
        words.append(f"(default: {json.dumps(schema['default'])})")
    return escape(" ".join(words))


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>" if text else ""


def _text(text: str) -> str:
    """Write a description in HTML: what is between backticks is code, as it is in OpenAPI."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Make a table; the first cell is code, the second HTML, the third text."""
    lines = (f"<tr><td><code>{escape(a)}</code><td>{b}<td>{_text(c)}" for a, b, c in rows)
    return f"<table>{''.join(lines)}</table>" if rows else ""
