"""Write the client's models and methods from the server's OpenAPI document: `make client`.

The methods of both clients come from one template, the models from datamodel-code-generator.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from serving.app import create_app

PACKAGE = Path(__file__).parent / "gongxu_client"
TOLD = '"""{doc} Written by `make client` from the OpenAPI document: do not edit."""\n\n'
TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}
LEFT_OUT = {"example", "examples", "title", "pattern", "minLength", "maxLength", "minItems", "maxItems"} | {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
}
OPTIONS = (
    "input-file-type=openapi",
    "output-model-type=pydantic_v2.BaseModel",
    "target-python-version=3.11",
    "disable-timestamp",
    "use-standard-collections",
    "use-union-operator",
    "use-schema-description",
    "use-field-description",
    "collapse-root-models",
    "strict-nullable",
    "enum-field-as-literal=all",
    "openapi-scopes=schemas",
    "formatters=ruff-format",
)
TWICE = ("/v1/matches/",)  # two ids in one path: a slash in an id is escaped twice


def main(target: Path) -> None:
    """Write models and both clients into a folder."""
    document = create_app().openapi()
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    (target / "models.py").write_text(models(document), encoding="utf-8")
    for name, is_async in (("sync_client", False), ("async_client", True)):
        (target / f"{name}.py").write_text(client(operations, is_async=is_async), encoding="utf-8")
    style = ("--isolated", "--line-length=120", "--target-version=py311")
    first_party = ("--config", 'lint.isort.known-first-party = ["gongxu_client"]')
    for command in (("check", "--fix", "--quiet", "--select=I,F401", *first_party), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *command, *style, str(target)], check=True)


def models(document: dict[str, Any]) -> str:
    """Return the module of models: what requests hold and answers bring, with their descriptions."""
    with TemporaryDirectory() as folder:
        source, made = Path(folder) / "openapi.json", Path(folder) / "models.py"
        source.write_bytes(orjson.dumps(_bare(document)))
        command = [sys.executable, "-m", "datamodel_code_generator", "--input", str(source), "--output", str(made)]
        options = [f"--{option}" for option in OPTIONS]
        subprocess.run([*command, *options], check=True)
        text = made.read_text(encoding="utf-8")
    body = text[text.index("from __future__") :] if "from __future__" in text else text
    return TOLD.format(doc="What requests hold and answers bring.") + body


def client(operations: list[tuple[str, str, dict[str, Any]]], *, is_async: bool) -> str:
    """Return the module of one client: a method for each operation of the API."""
    kind, base = ("AsyncClient", "AsyncTransport") if is_async else ("Client", "SyncTransport")
    lines = "AsyncIterator" if is_async else "Iterator"
    methods = [_method(*operation, is_async=is_async) for operation in operations]
    used = sorted({name for text in methods for name in re.findall(r"models\.(\w+)", text)})
    return (
        TOLD.format(doc=f"The API for {'asynchronous' if is_async else 'synchronous'} programs.")
        + f"from collections.abc import {lines}, Iterable, Mapping, Sequence\nfrom typing import Any, Literal\n\n"
        + f"from gongxu_client.models import {', '.join(used)}\n"
        + f"from gongxu_client.transport import {base}, quoted, quoted_twice\n\n\n"
        + f'class {kind}({base}):\n    """Every operation of the API is a method; all raise ApiError."""\n\n'
        + "\n".join(methods).replace("models.", "")
    )


def _method(method: str, path: str, operation: dict[str, Any], *, is_async: bool) -> str:
    name, parameters = operation["operationId"], operation.get("parameters", [])
    inside = [each for each in parameters if each["in"] == "path"]
    query = [each for each in parameters if each["in"] == "query"]
    arguments = ["self", *(f"{each['name']}: str" for each in inside)]
    sent = ""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/x-ndjson" in content:
        model = "Achievement" if "achievements" in path else "Demand"
        arguments.append(f"records: Iterable[models.{model} | Mapping[str, Any]]")
        sent = ", lines=records"
    elif content:
        arguments.append(f"body: {_body(content['application/json']['schema'])}")
        sent = ", body=body"
    if query:
        arguments += ["*", *(_argument(each) for each in query)]
        sent += ", query={" + ", ".join(f'"{each["name"]}": {each["name"]}' for each in query) + "}"
    escape = "quoted_twice" if path.startswith(TWICE) else "quoted"
    address = re.sub(r"\{(\w+)\}", lambda found: "{" + f"{escape}({found[1]})" + "}", path)
    place = f'f"{address}"' if inside else f'"{path}"'
    answers: dict[str, Any] = next(
        (answer["content"] for code, answer in operation["responses"].items() if code == "200"), {}
    )
    awaited, defined = ("await ", "async def") if is_async else ("", "def")
    summary = (operation.get("summary") or name).rstrip(".")
    if "application/x-ndjson" in answers:
        result, call = ("AsyncIterator" if is_async else "Iterator") + "[dict[str, Any]]", f"self.stream({place}{sent})"
        summary, awaited, defined = f"{summary}: one at a time; raises at the end if the stream broke off", "", "def"
    elif "text/plain" in answers:
        result, call = "str", f'self.text("{method.upper()}", {place})'
    else:
        model = _reference(answers["application/json"]["schema"])
        result = f"models.{model}" if model else "dict[str, Any]"
        call = f'self.send({result if model else "dict"}, "{method.upper()}", {place}{sent})'
    return (
        f"    {defined} {name}({', '.join(arguments)}) -> {result}:\n"
        f'        """{summary}."""\n        return {awaited}{call}\n'
    )


def _reference(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _body(schema: dict[str, Any]) -> str:
    if name := _reference(schema):
        return f"models.{name} | Mapping[str, Any]"
    if schema.get("type") == "array":
        return f"Sequence[models.{_reference(schema['items'])} | Mapping[str, Any]]"
    kinds = [_body(part) for part in schema.get("anyOf", schema.get("oneOf", []))]
    return " | ".join(dict.fromkeys(" | ".join(kinds).split(" | "))) or "Mapping[str, Any]"


def _argument(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    kind = TYPES.get(schema.get("type", ""), "str")
    if "enum" in schema:
        kind = f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if "anyOf" in schema:
        kind = " | ".join(TYPES.get(part.get("type", "string"), "None") for part in schema["anyOf"])
    return (
        f"{parameter['name']}: {kind}"
        if parameter["required"]
        else f"{parameter['name']}: {kind} = {schema.get('default')!r}"
    )


def _bare(schema: Any) -> Any:
    """Return a schema without examples and limits: the server checks them, and says which value passes which limit."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: part for key, part in schema.items() if key not in LEFT_OUT}
    # names of properties are no words of the schema: one is called title
    return {
        key: {name: _bare(of) for name, of in part.items()} if key in ("properties", "schemas") else _bare(part)
        for key, part in kept.items()
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE)
