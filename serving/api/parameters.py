"""Parameters behind the question mark that no route has: named with the nearest one, instead of ignored."""

from collections.abc import Iterator
from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from serving.problems import INVALID_REQUEST, ApiError

GUARDED = "/v1/"  # probes of health and metrics may add what they like


async def known_parameters(request: Request) -> None:
    """Refuse a request with a query parameter that its route does not have.

    Raises:
        ApiError: there is one (422); the detail names the nearest that the route has.

    """
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute) or not route.path.startswith(GUARDED):
        return
    known = _parameters(route)
    for name in request.query_params:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.5) or known
            hint = f"；可用的是 {'、'.join(near)}" if near else "；这里没有参数"
            raise ApiError(INVALID_REQUEST, f"没有参数“{name[:60]}”{hint}")


def _parameters(route: APIRoute) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_names(route.dependant)))


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for below in dependant.dependencies:
        yield from _names(below)
