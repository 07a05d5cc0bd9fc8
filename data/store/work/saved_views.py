"""Views of pages that operators saved under names of their own."""

from dataclasses import dataclass

import sqlalchemy as sa

from data.errors import InputError
from data.store.dashboard_tables import saved_views
from data.store.database import reading, writing

MAX_VIEWS = 20  # of an operator on one page
MAX_NAME = 20
MAX_QUERY = 1_000


@dataclass(frozen=True)
class SavedView:
    """A view: its name, and the query of the address that shows it."""

    name: str
    query: str


class SavedViews:
    """The saved views of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of(self, operator: str, page: str) -> list[SavedView]:
        """Return an operator's views of a page, by name."""
        mine = (saved_views.c.operator == operator) & (saved_views.c.page == page)
        query = sa.select(saved_views.c.name, saved_views.c.query).where(mine).order_by(saved_views.c.name)
        with reading(self._engine) as connection:
            return [SavedView(row.name, row.query) for row in connection.execute(query)]

    def keep(self, operator: str, page: str, name: str, query: str) -> None:
        """Save a view; one of the same name is replaced.

        Raises:
            InputError: the name or the query is too long, or there are too many views.

        """
        name = name.replace("\0", "").strip()
        if not 0 < len(name) <= MAX_NAME or len(query) > MAX_QUERY:
            raise InputError(
                f"the view's name has {len(name)} characters, 1 to {MAX_NAME} are allowed, its query {len(query)}, "
                f"{MAX_QUERY} are allowed",
                f"视图的名字须为 1–{MAX_NAME} 个字，筛选条件不能太长",
            )
        mine = (saved_views.c.operator == operator) & (saved_views.c.page == page)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(saved_views).where(mine, saved_views.c.name == name))
            number = connection.execute(sa.select(sa.func.count()).select_from(saved_views).where(mine)).scalar_one()
            if number >= MAX_VIEWS:
                raise InputError(
                    f"{operator} has {number} views of this page; delete one first",
                    f"最多保存 {MAX_VIEWS} 个视图，请先删除一个",
                )
            values = {"operator": operator, "page": page, "name": name, "query": query}
            connection.execute(sa.insert(saved_views).values(values))

    def drop(self, operator: str, page: str, name: str) -> None:
        """Delete a view, if there is one of that name."""
        mine = (saved_views.c.operator == operator) & (saved_views.c.page == page) & (saved_views.c.name == name)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(saved_views).where(mine))
