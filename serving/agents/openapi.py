"""The tools' routes as an OpenAPI 3.0 document, for platforms whose agents import tools that way (Dify, Coze)."""

from typing import Any

from serving.agents.tools import TOOLS, references

_METHODS = ("get", "post")
# What OpenAPI 3.0 does not know, or what importers stumble over; the server checks all of it anyway.
_LEFT_OUT = {"examples", "example", "const", "propertyNames", "title", "contentMediaType"}


def tools_document(document: dict[str, Any], url: str) -> dict[str, Any]:
    """Return the operations behind the tools of `document` (OpenAPI 3.1), at the server `url`; answers alone are described.

    Descriptions are the tools': they are written for models.
    """
    wanted = {name: tool for tool in TOOLS for name in tool.answers}
    paths: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            operation = operations.get(method)
            if operation and operation["operationId"] in wanted:
                paths.setdefault(path.replace(":path}", "}"), {})[method] = _operation(operation, wanted)
    schemas: dict[str, Any] = {}
    waiting = references(paths)
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _lowered(document["components"]["schemas"][name])
            waiting |= references(schemas[name])
    return {
        "openapi": "3.0.3",
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "servers": [{"url": url.rstrip("/")}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(operation: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    tool = wanted[operation["operationId"]]
    lowered: dict[str, Any] = {
        "operationId": operation["operationId"],
        "summary": operation["summary"],
        "description": tool.description,
        "responses": {
            "200": {
                "description": "OK",
                "content": {
                    "application/json": {
                        "schema": _lowered(operation["responses"]["200"]["content"]["application/json"]["schema"])
                    }
                },
            }
        },
    }
    if parameters := operation.get("parameters"):
        lowered["parameters"] = [_lowered(parameter) for parameter in parameters]
    if body := operation.get("requestBody"):
        schema = _lowered(body["content"]["application/json"]["schema"])
        lowered["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return lowered


def _lowered(schema: Any) -> Any:
    """Return a schema of JSON Schema 2020-12 as OpenAPI 3.0 writes it: `nullable` instead of a type null."""
    if isinstance(schema, list):
        return [_lowered(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: {key: _lowered(value) for key, value in part.items()} if name == "properties" else _lowered(part)
        for name, part in schema.items()
        if name not in _LEFT_OUT
    }
    if "const" in schema:
        found["enum"] = [schema["const"]]
    for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(name), int | float) and not isinstance(found[name], bool):
            found[bound], found[name] = found[name], True
    for name in ("anyOf", "oneOf"):
        parts = found.get(name)
        if isinstance(parts, list) and {"type": "null"} in parts:
            rest = [part for part in parts if part != {"type": "null"}]
            del found[name]
            found |= ({"allOf": rest} if "$ref" in rest[0] else rest[0]) if len(rest) == 1 else {name: rest}
            found["nullable"] = True
    return found
