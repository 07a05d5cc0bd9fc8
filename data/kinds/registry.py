"""All kinds that are known: those that ship and those that a platform declares in a folder of its own."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from data.errors import InputError
from data.kinds.declaration import KindDeclaration, Role, read_declaration

SHIPPED = Path(__file__).parent


class Kinds(Mapping[str, KindDeclaration]):
    """Declarations by name, in the order of the shipped files, a platform's own after them."""

    def __init__(self, declarations: list[KindDeclaration]) -> None:
        self._by_name = {kind.name: kind for kind in declarations}

    def __getitem__(self, name: str) -> KindDeclaration:
        if name not in self._by_name:
            raise KeyError(name)
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def known(self, name: str) -> KindDeclaration:
        """Return a kind by name.

        Raises:
            InputError: no file declares it.

        """
        found = self._by_name.get(name)
        if found is None:
            raise InputError(f"no kind {name!r}; known kinds: {', '.join(self._by_name)}")
        return found

    def recorded(self, name: str) -> KindDeclaration:
        """Return a kind by name whose records are in the common table.

        Raises:
            InputError: no file declares it, or its records have a table of their own.

        """
        found = self.known(name)
        if found.own_table:
            raise InputError(
                f"records of kind {name!r} have routes of their own: /v1/{name}s",
                f"{found.label}有自己的接口：/v1/{name}s",
            )
        return found

    def of_role(self, role: Role) -> list[KindDeclaration]:
        """Return the kinds of a role."""
        return [kind for kind in self._by_name.values() if kind.role is role]

    def in_common_table(self) -> list[KindDeclaration]:
        """Return the kinds whose records are in the common table."""
        return [kind for kind in self._by_name.values() if not kind.own_table]


@lru_cache(maxsize=8)
def load_kinds(folder: Path | None = None) -> Kinds:
    """Return the shipped kinds and those of a platform's `folder`, if it exists.

    Raises:
        InputError: a file breaks a rule, or declares a kind that ships.

    """
    kinds = [read_declaration(path) for path in sorted(SHIPPED.glob("*.toml"))]
    names = {kind.name for kind in kinds}
    for path in sorted(folder.glob("*.toml")) if folder is not None else ():
        own = read_declaration(path)
        if own.name in names:
            raise InputError(f"{path.name} declares {own.name!r}, which ships with gongxu; choose another name")
        if own.own_table:
            raise InputError(f"{path.name}: own_table is for the kinds that ship; leave it out")
        kinds.append(own)
    return Kinds(kinds)
