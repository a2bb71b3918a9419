"""What the mirror knows of the forms that configs are filled in with."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select, tuple_, union_all

from cobalt_mirror.db.engine import execute
from cobalt_mirror.db.statuses import ConfigStatus
from cobalt_mirror.db.tables import configs

#: The types of fields whose values are secrets.
SECRET_TYPES = frozenset({"password", "secret"})

#: How many connections a statement names; SQLite takes 500 SELECTs in a union.
_CONNECTIONS_A_STATEMENT = 100

#: A field of an application: its slug, the workflow that it belongs to (None: the config itself), and its id.
Place = tuple[str, str | None, str]


def find_secret_fields(connection: Connection, wanted: Iterable[tuple[str, str]]) -> set[Place]:
    """Find the fields that hold secrets, as far as the mirror knows. See `find_fields`."""
    return {place for place, is_secret in find_fields(connection, wanted).items() if is_secret}


def find_fields(connection: Connection, wanted: Iterable[tuple[str, str]]) -> dict[Place, bool]:
    """Find the fields of forms that the mirror knows, each with whether it holds a secret.

    Args:
        connection: the transaction to look in.
        wanted: linked account id and slug of each connection that is asked about. The account's own configs are looked
            at, and one config of the application, of any account, for this account may have none yet.
    """
    places, left = dict[Place, bool](), iter(sorted(set(wanted)))
    while some := list(islice(left, _CONNECTIONS_A_STATEMENT)):
        own = select(configs.c.slug, configs.c.schema).where(
            tuple_(configs.c.linked_account_id, configs.c.slug).in_(some)
        )
        # A config that was deleted has an empty schema.
        known = select(configs.c.slug, configs.c.schema).where(configs.c.status == ConfigStatus.INSTALLED)
        anyones = [
            select(known.where(configs.c.slug == slug).limit(1).subquery())
            for slug in sorted({slug for _, slug in some})
        ]
        for row in execute(connection, union_all(own, *anyones)):
            for place, is_secret in _places(row.slug, row.schema):  # a secret in one form is one in all
                places[place] = places.get(place, False) or is_secret
    return places


def _places(slug: str, form: dict[str, Any]) -> Iterator[tuple[Place, bool]]:
    parts = [(None, form.get("fields", []))]
    parts += [(workflow["id"], workflow["fields"]) for workflow in form.get("workflows", [])]
    for workflow_id, fields in parts:
        for field in fields:
            yield (slug, workflow_id, field["id"]), str(field.get("field_type")).lower() in SECRET_TYPES
