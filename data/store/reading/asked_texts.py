"""Texts that operators asked about, under an address that can be shared and opened again."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa

from data.errors import NotFoundError
from data.store.dashboard_tables import asked_texts
from data.store.database import begin_write, translated_errors

KEPT = timedelta(days=90)
SIDES = ("demands", "achievements")


class AskedTexts:
    """The texts of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, text: str, side: str, now: datetime) -> str:
        """Keep a text for `KEPT` and return its name; what was asked longer ago goes."""
        name = sha256(f"{side}\n{text}".encode()).hexdigest()[:32]
        moment = now.astimezone(UTC).replace(tzinfo=None)
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            old = (asked_texts.c.asked_at < moment - KEPT) | (asked_texts.c.name == name)
            connection.execute(sa.delete(asked_texts).where(old))
            values = {"name": name, "side": side, "text": text.replace("\0", ""), "asked_at": moment}
            connection.execute(sa.insert(asked_texts).values(values))
        return name

    def read(self, name: str) -> tuple[str, str]:
        """Return a text and the side it states.

        Raises:
            NotFoundError: no text is kept under that name.

        """
        query = sa.select(asked_texts.c.text, asked_texts.c.side).where(asked_texts.c.name == name)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(f"no text {name[:40]!r}; texts are kept for {KEPT.days} days")
        return str(row.text), str(row.side)
