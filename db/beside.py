"""Transactions of our own in a host's database, beside the host's."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from cobalt_mirror.db.engine import HostSession, connection_of, reading
from cobalt_mirror.db.errors import OpenTransaction


@contextmanager
def beside(session: HostSession) -> Iterator[Connection]:
    """Lend a connection in a transaction that only reads, to the database of the host's session.

    A connection of the host's is lent itself: where each request holds one, the pool may have no second one.

    Raises:
        OpenTransaction: the session is in a transaction, or its connection is.
        TypeError: it is something else, such as an engine or an AsyncSession.
    """
    orm = sys.modules.get("sqlalchemy.orm")  # loaded already if the host has such a session
    opened: Any = session
    if orm is not None and isinstance(opened, orm.scoped_session):
        opened = opened()
    is_session = orm is not None and isinstance(opened, orm.Session)
    bind: Any = opened.get_bind() if is_session else connection_of(opened)
    is_connection = isinstance(bind, Connection)
    if opened.in_transaction() or (is_connection and bind.in_transaction()):
        raise OpenTransaction(
            "session: is in a transaction, in which nothing that workers do would show; commit it, then wait"
        )
    with bind.begin() if is_connection else reading(bind).connect() as lent:
        yield bind if is_connection else lent
