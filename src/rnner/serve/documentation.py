"""The OpenAPI description of the service, and a page made from it. Nothing is loaded from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rnner.render.html_head import escape
from rnner.serve.limits import Limits
from rnner.serve.requests import PredictionRequest

DESCRIPTIONS = {
    "/predict": "Find names in one text or several",
    "/model": "Describe the model: labels, scores, model card",
    "/health": "Whether the process runs",
    "/ready": "Whether a request would be answered now",
    "/metrics": "Figures in the text format of Prometheus",
    "/reload": "Load the model again without dropping a request",
}
"""What each address is for."""
_TEXT = "Ada Lovelace wrote to Charles Babbage."
_EXAMPLE = {
    "text": _TEXT,
    "entities": [
        {"label": "PER", "start": 0, "end": 12, "text": "Ada Lovelace", "score": 0.999},
        {"label": "PER", "start": 22, "end": 37, "text": "Charles Babbage", "score": 0.998},
    ],
}
_ANSWER = (
    'For "text", an object; for "texts", a list of objects: what `rnner predict --format json` writes. '
    "Positions count characters (code points); end is exclusive."
)


def error_schemas(statuses: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return the answers with these statuses and descriptions, for OpenAPI."""
    schema = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    content = {"application/json": {"schema": schema}}
    return {status: {"description": text, "content": content} for status, text in statuses.items()}


def prediction_schema(limits: Limits) -> dict[str, Any]:
    """Return the request and the answer of /predict, for OpenAPI."""
    request = PredictionRequest.model_json_schema()
    fields = request["properties"]
    fields["text"] = {"type": "string", "description": fields["text"]["description"]}
    fields["texts"] = {"type": "array", "description": fields["texts"]["description"]}
    fields["text"]["maxLength"] = limits.text
    fields["texts"] |= {"items": {"type": "string", "maxLength": limits.text}, "maxItems": limits.texts}
    fields["nbest"]["maximum"] = limits.nbest
    request |= {"oneOf": [{"required": ["text"]}, {"required": ["texts"]}], "examples": [{"text": _TEXT}]}
    document = _document_schema()
    answer = {
        "description": _ANSWER,
        "content": {
            "application/json": {
                "schema": {"oneOf": [document, {"type": "array", "items": document}]},
                "example": _EXAMPLE,
            }
        },
    }
    body = {"required": True, "content": {"application/json": {"schema": request}}}
    return {"requestBody": body, "responses": {"200": answer}}


def _document_schema() -> dict[str, Any]:
    text, position = {"type": "string"}, {"type": "integer", "minimum": 0}
    entity = {"label": text, "start": position, "end": position, "text": text}
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    reading = {"probability": probability, "entities": _list_of(entity)}
    sentence = {"start": position, "end": position, "readings": _list_of(reading)}
    document = {"text": text, "entities": _list_of(entity | {"score": probability})}
    return _object(document | {"nbest": _list_of(sentence)}, required=list(document))


def _object(properties: Mapping[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    required = list(properties) if required is None else required
    return {"type": "object", "properties": dict(properties), "required": required}


def _list_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _object(properties)}


def documentation_page(openapi: Mapping[str, Any], limits: Limits) -> str:
    """Return a page with every address of an OpenAPI description: fields, example and statuses."""
    sections = "".join(
        part
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
        for part in _section(path, method.upper(), operation)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>API of rnner serve</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="page.css">
<link rel="stylesheet" href="serve.css">
</head>
<body class="reference">
<header>
<h1>API</h1>
<p>The same as <a href="openapi.json">OpenAPI</a>. To try the model, use <a href="./">the page</a>. A
request may have {limits.body:,} bytes, {limits.texts:,} texts and {limits.text:,} characters per text. Errors
are JSON: <code>{{"error": "what came; what is allowed"}}</code>.</p>
</header>
<main>
{sections}</main>
</body>
</html>
"""


def _section(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section>\n<h2><code>{method} {escape(path)}</code></h2>\n"
    yield f"<p>{escape(operation['summary'])}.</p>\n"
    body = operation.get("requestBody")
    if body:
        schema = body["content"]["application/json"]["schema"]
        yield from _table(("key", "type", "meaning"), _field_rows(schema["properties"]))
        data = json.dumps(schema["examples"][0])
        yield f"<pre tabindex=\"0\">curl ADDRESS{escape(path)} --json '{escape(data)}'</pre>\n"
    answer = operation["responses"]["200"]
    example = answer.get("content", {}).get("application/json", {}).get("example")
    if example:
        yield f"<p>{escape(answer['description'])}</p>\n"
        yield f'<pre tabindex="0">{escape(json.dumps(example, indent=2), keep=chr(10))}</pre>\n'
    rows = ((code, other["description"]) for code, other in operation["responses"].items() if code != "200")
    yield from _table(("status", "meaning"), rows)
    yield "</section>\n"


def _field_rows(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    names = {"array": "list of strings", "integer": "whole number"}
    for name, field in fields.items():
        default = f" Default: {field['default']}." if field.get("default") is not None else ""
        yield name, names.get(field["type"], field["type"]), field["description"] + default


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "<table>\n<thead><tr>"
    yield "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    yield "</tr></thead>\n<tbody>\n"
    for first, *others in rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
        yield f'<tr><th scope="row"><code>{escape(first)}</code></th>{cells}</tr>\n'
    yield "</tbody>\n</table>\n"
