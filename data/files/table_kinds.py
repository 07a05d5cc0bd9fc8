"""What a table may hold: one of the four built-in kinds, or a kind that `data/kinds` or a platform declares."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from data.errors import InputError
from data.files.synonyms import HEADERS, ID_FIELDS, LABELS, LISTS, MONEY, REQUIRED, TEXTS, FileKind
from data.kinds.declaration import FieldType, KindDeclaration
from data.kinds.registry import load_kinds
from data.settings import settings

_COMMON_TEXTS = frozenset({"content"})
_COMMON_LISTS = frozenset({"keywords", "industries"})
# Headers of common fields that a declaration need not repeat.
_COMMON = ("keywords", "region", "field", "industries", "published_at")


@dataclass(frozen=True)
class DeclaredKind:
    """A declared kind of records; `value` is its name. Equal by name and headers."""

    value: str
    headers: tuple[tuple[str, str], ...]
    declaration: KindDeclaration = field(compare=False, repr=False)

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return self.value

    def typed(self, *types: FieldType) -> frozenset[str]:
        """Return the own fields of the given types."""
        return frozenset(one.name for one in self.declaration.fields if one.type in types)


TableKind = FileKind | DeclaredKind


def declared_kinds() -> list[DeclaredKind]:
    """Return the kinds that ship and those of the platform."""
    return _all_declared(settings().home / "kinds")


@lru_cache(maxsize=8)
def _all_declared(folder: Path) -> list[DeclaredKind]:
    return [_declared(one) for one in load_kinds(folder).in_common_table()]


def kind_named(name: str) -> TableKind:
    """Return the kind of a name.

    Raises:
        InputError: there is none.

    """
    kinds: list[TableKind] = [*FileKind, *declared_kinds()]
    found = next((kind for kind in kinds if name == kind.value), None)
    if found is None:
        known = ", ".join(kind.value for kind in kinds)
        raise InputError(f"--kind {name!r} is unknown; use one of {known}", f"没有种类“{name}”；可用：{known}")
    return found


def label_of(kind: TableKind) -> str:
    """Return what a kind is called in Chinese."""
    return LABELS[kind] if isinstance(kind, FileKind) else kind.declaration.label


def headers_of(kind: TableKind) -> dict[str, str]:
    """Return the headers of each field of a kind, separated by blanks, the most telling first."""
    return HEADERS[kind] if isinstance(kind, FileKind) else dict(kind.headers)


def required_of(kind: TableKind) -> tuple[str, ...]:
    """Return the fields without whose columns a table is of no use."""
    if isinstance(kind, FileKind):
        return REQUIRED[kind]
    return ("title", *(one.name for one in kind.declaration.fields if one.required))


def id_field(kind: TableKind) -> str | None:
    """Return the field that holds a record's id."""
    return ID_FIELDS.get(kind) if isinstance(kind, FileKind) else "id"


def lists_of(kind: TableKind) -> frozenset[str]:
    """Return the fields that hold several items."""
    return LISTS if isinstance(kind, FileKind) else _COMMON_LISTS | kind.typed(FieldType.LABELS)


def texts_of(kind: TableKind) -> frozenset[str]:
    """Return the fields that hold long texts."""
    return TEXTS if isinstance(kind, FileKind) else _COMMON_TEXTS | kind.typed(FieldType.TEXT)


def money_of(kind: TableKind) -> frozenset[str]:
    """Return the fields that hold money."""
    return MONEY if isinstance(kind, FileKind) else kind.typed(FieldType.MONEY)


def keeps_unknown(kind: TableKind) -> bool:
    """Tell whether unknown columns are kept aside: records have a place for them, events have none."""
    return kind not in (FileKind.EVENTS, FileKind.JUDGEMENTS)


def _declared(declaration: KindDeclaration) -> DeclaredKind:
    headers = {name: [*names] for name, names in declaration.headers().items()}
    for name in _COMMON:
        headers[name] += HEADERS[FileKind.ACHIEVEMENTS][name].split()
    own = {name for one in declaration.fields for name in (one.label, *one.aliases)}
    labels = tuple(
        (name, " ".join(dict.fromkeys(one for one in names if name in declaration.by_name or one not in own)))
        for name, names in headers.items()
    )
    return DeclaredKind(declaration.name, labels, declaration)
