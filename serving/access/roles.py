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
    READ_RECORDS = "records:read"
    WRITE_RECORDS = "records:write"
    READ_EVENTS = "events:read"
    WRITE_EVENTS = "events:write"
    READ_GRAPH = "graph:read"
    READ_MODELS = "models:read"
    CHANGE_MODELS = "models:change"
    EXPORT = "export"
    READ_METRICS = "metrics:read"


_READERS = frozenset({Scope.RECOMMEND, Scope.READ_RECORDS, Scope.READ_EVENTS, Scope.READ_GRAPH})
SCOPES: dict[Role, frozenset[Scope]] = {
    Role.BACKEND: _READERS | {Scope.WRITE_RECORDS, Scope.WRITE_EVENTS, Scope.EXPORT},
    Role.OPERATOR: _READERS | {Scope.WRITE_EVENTS, Scope.READ_MODELS, Scope.READ_METRICS},
    Role.SCIENTIST: _READERS | {Scope.READ_MODELS, Scope.EXPORT, Scope.READ_METRICS},
    Role.ADMIN: frozenset(Scope),
}
