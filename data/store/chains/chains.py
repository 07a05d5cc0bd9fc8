"""Industry chains in the store: written whole, read whole."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import orjson
import sqlalchemy as sa

from data.errors import NotFoundError
from data.store.chains.tables import chains
from data.store.database import reading, writing
from data.taxonomy.industry_chain import Chain


@dataclass(frozen=True)
class KeptChain:
    """What the store says of a chain; `digest` is that of its content."""

    id: str
    name: str
    digest: str
    nodes: int
    links: int
    imported_at: datetime


class Chains:
    """The industry chains of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, chain: Chain, now: datetime) -> bool:
        """Write a chain in the place of the one with its id; return whether it says anything else than before."""
        document = orjson.dumps(chain.document())
        digest = sha256(document).hexdigest()
        values = {
            "name": chain.name,
            "digest": digest,
            "document": document.decode(),
            "nodes": len(chain.nodes),
            "links": len(chain.links),
            "imported_at": now.astimezone(UTC).replace(tzinfo=None),
        }
        with writing(self._engine, "chains") as connection:
            mine = chains.c.id == chain.id
            before = connection.execute(sa.select(chains.c.digest).where(mine)).scalar()
            if before is None:
                connection.execute(sa.insert(chains).values(values | {"id": chain.id}))
            elif before != digest:
                connection.execute(sa.update(chains).where(mine).values(values))
        return before != digest

    def remove(self, chain_id: str) -> None:
        """Take a chain out.

        Raises:
            NotFoundError: there is none with this id.

        """
        with writing(self._engine, "chains") as connection:
            if not connection.execute(sa.delete(chains).where(chains.c.id == chain_id)).rowcount:
                raise _unknown(chain_id)

    def all(self) -> list[KeptChain]:
        """Return what is known of all chains, by id."""
        c = chains.c
        query = sa.select(c.id, c.name, c.digest, c.nodes, c.links, c.imported_at).order_by(c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [_kept(row) for row in rows]

    def get(self, chain_id: str) -> tuple[KeptChain, Chain]:
        """Return a chain with what is known of it.

        Raises:
            NotFoundError: there is none with this id.

        """
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(chains).where(chains.c.id == chain_id)).mappings().first()
        if row is None:
            raise _unknown(chain_id)
        return _kept(row), Chain.of(orjson.loads(row["document"]))


def _kept(row: sa.RowMapping) -> KeptChain:
    values = {name: row[name] for name in ("id", "name", "digest", "nodes", "links")}
    return KeptChain(**values, imported_at=row["imported_at"].replace(tzinfo=UTC))


def _unknown(chain_id: str) -> NotFoundError:
    return NotFoundError(
        f"no chain {chain_id!r}; `gongxu graph chain` lists them",
        chinese=f"没有产业链“{chain_id}”；gongxu graph chain 列出已导入的产业链",
    )
