"""Looks at what is stored, as rows and as plain text."""

from types import TracebackType
from typing import Any, Self

from sqlalchemy import inspect, select, text

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.settings import DatabaseSettings


class Log:
    """The event log and its neighbours, read in transactions of their own."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.engine = create_engine(settings)
        self.schema = None if self.engine.dialect.name == "sqlite" else settings.mirror_schema

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.dispose()

    def rows(self) -> list[dict[str, Any]]:
        """Every event, by id."""
        with reading(self.engine).begin() as connection:
            found = connection.execute(select(tables.events).order_by(tables.events.c.id)).mappings()
            return [{str(name): value for name, value in row.items()} for row in found]

    def row(self) -> dict[str, Any]:
        (row,) = self.rows()
        return row

    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows()]

    def connect(self, linked_account_id: str, slug: str, accounts: list[dict[str, Any]]) -> None:
        """Have the mirror show a connection."""
        with self.engine.begin() as connection:
            connection.execute(
                tables.connections.insert().values(
                    linked_account_id=linked_account_id, slug=slug, status="connected", accounts=accounts
                )
            )

    def install(
        self, linked_account_id: str, slug: str, form: dict[str, Any], *, config_id: str = "", status: str = "installed"
    ) -> None:
        """Have the mirror show a config."""
        with self.engine.begin() as connection:
            connection.execute(
                tables.configs.insert().values(
                    linked_account_id=linked_account_id,
                    slug=slug,
                    config_id=config_id or linked_account_id,
                    fields={},
                    workflows=[],
                    schema=form,
                    field_errors=[],
                    status=status,
                )
            )

    def everything(self) -> str:
        """Every column of every table as the database prints it, views included."""
        inspector = inspect(self.engine)
        names = [*inspector.get_table_names(self.schema), *inspector.get_view_names(self.schema)]
        where = "" if self.schema is None else f"{self.schema}."
        with reading(self.engine).begin() as connection:
            return "\n".join(
                str(tuple(row)) for name in names for row in connection.execute(text(f"SELECT * FROM {where}{name}"))
            )
