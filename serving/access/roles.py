"""Who may do what: roles and the scopes they hold."""

from enum import StrEnum


class Role(StrEnum):
    """What a key is for."""

    BACKEND = "backend"
    OPERATOR = "operator"
    SCIENTIST = "scientist"
    ADMIN = "admin"


class Scope(StrEnum):
    """One kind of thing that a request may do."""

    RECOMMEND = "recommend"
    WRITE_RECORDS = "records:write"
    WRITE_EVENTS = "events:write"
    READ_GRAPH = "graph:read"
    READ_MODELS = "models:read"
    CHANGE_MODELS = "models:change"
    EXPORT = "export"
    READ_METRICS = "metrics:read"


SCOPES: dict[Role, frozenset[Scope]] = {
    Role.BACKEND: frozenset({Scope.RECOMMEND, Scope.WRITE_RECORDS, Scope.WRITE_EVENTS, Scope.READ_GRAPH, Scope.EXPORT}),
    Role.OPERATOR: frozenset(
        {Scope.RECOMMEND, Scope.WRITE_EVENTS, Scope.READ_GRAPH, Scope.READ_MODELS, Scope.READ_METRICS}
    ),
    Role.SCIENTIST: frozenset({Scope.RECOMMEND, Scope.READ_GRAPH, Scope.READ_MODELS, Scope.EXPORT, Scope.READ_METRICS}),
    Role.ADMIN: frozenset(Scope),
}
