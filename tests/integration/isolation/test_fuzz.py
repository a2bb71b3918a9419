"""Whatever rows are inserted by SQL: each ends or is refused, every other account is served, a person sees them all.

500 examples in CI, a half on each database.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from cobalt_mirror.db import tables
from cobalt_mirror.db.dead_letters import DeadFilter
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.strays import mend_strays
from cobalt_mirror.events import EventType, UserSignedUp
from cobalt_mirror.workers.ops.customer import read_customer
from cobalt_mirror.workers.ops.dead_letters import select_dead, show_letters
from cobalt_mirror.workers.ops.overview import read_overview
from cobalt_mirror.workers.ops.single_events import read_events
from cobalt_mirror.workers.terminal.output import to_json
from tests.around import around_the_rules
from tests.database_pool import DatabasePool
from tests.effort import tries
from tests.integration.isolation.rows import Bad, Inserter, text
from tests.world import World

NUMBERS = count(1)
PRINTED = count()
ENDS = {"done", "superseded", "dead"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all examples."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("fuzz") / "mirror.db"
        shutil.copy(Path(request.getfixturevalue("migrated_sqlite")), file)
        world = World(f"sqlite:///{file}")
        yield world
        world.close()
        return
    pool: DatabasePool = request.getfixturevalue("database_pool")
    with pool.database() as url:
        world = World(url)
        yield world
        world.close()


# --- rows, as SQL -----------------------------------------------------------------------------------------------------

_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
_depths = st.integers(1, 3_000).map(lambda depth: "[" * depth + "]" * depth)
_digits = st.integers(1, 6_000).map(lambda length: "9" * length)
_scalars = st.one_of(
    _digits,
    _depths,
    st.sampled_from(["1e400", "-1e400", "1e-400", "NaN", "Infinity", "null", "true", "0.1", '"\\ud800"', '"\\u0000"']),
    st.text(st.characters(codec="ascii", exclude_characters='"\\', min_codepoint=32), max_size=20).map('"{}"'.format),
)
_names = st.sampled_from(["name", "udf", "auth_credentials", "fields", "workflows", "config_id", "id", "sealed", "x"])
_objects = st.dictionaries(_names, _scalars, max_size=3).map(
    lambda pairs: "{" + ", ".join(f'"{name}": {value}' for name, value in pairs.items()) + "}"
)
_json = st.one_of(_objects, _objects, _scalars, _words).map(text)
_years = st.sampled_from(["0000", "0001", "1969", "1970", "1999", "2026", "2999", "3000", "9999"])
_times = st.one_of(
    st.builds("{}-{:02}-{:02}T{:02}:{:02}:59.999999Z".format, _years, *[st.integers(0, 61)] * 4),
    st.builds("{}-{:02}-{:02}T{:02}:30:00.000000Z".format, _years, *[st.integers(1, 12)] * 2, st.integers(0, 23)),
    st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "294276-12-31", "4714-11-24 BC", "now"]),
).map(text)
_numbers = st.sampled_from(["0", "1", "-1", "1000000", "1000001", "2147483647", "'many'", "1.5"])
_odd = st.sampled_from(["NULL", "''", "' '", "x'00ff'", "CAST(x'61eda080' AS TEXT)", "'a' || char(0)", "7", "1.5"])
_ids = st.one_of(_words.map(text), _odd)
_columns = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(st.sampled_from([*EventType]).map(text), _ids),
        "slug": st.one_of(st.sampled_from(["'slack'", "'hubspot'"]), _ids),
        "linked_account_id": _ids,
        "source": _ids,
        "id": _ids,
        "payload": _json,
        **dict.fromkeys(
            ("occurred_at", "recorded_at", "due_at", "retrying_since", "finished_at", "operated_at"), _times
        ),
        **dict.fromkeys(("attempts", "looks", "number", "alone"), _numbers),
        **dict.fromkeys(("meant_for", "effect", "last_response"), _json),
        **dict.fromkeys(("move", "unseen", "detail", "last_error", "operator", "traceparent"), _ids),
        "status": st.sampled_from([*EventStatus]).map(text),
    },
)
_types = st.sampled_from([*EventType]).map(lambda type_: {"type": text(type_), "slug": "'slack'"})
_rows = st.lists(st.builds(lambda type_, more: {**type_, **more}, _types, _columns), min_size=1, max_size=3)


def insert_each(connection: Connection, rows: list[Mapping[str, str]]) -> list[str]:
    """Insert rows one by one, and return the names of those that are not refused and have not ended."""
    inserter, names = Inserter(connection, number=next(NUMBERS) * 10), []
    for row in rows:
        name = f"row {next(NUMBERS)}"
        try:
            with connection.begin_nested():
                inserter.insert([Bad(name, row, None)])
            names += [name] if row.get("status") in {None, "'pending'"} else []
        except (DBAPIError, UnicodeError):
            event("refused")
    return names


@settings(max_examples=tries(250), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=_rows, obeys=st.booleans())
def test_a_random_row_harms_nobody_else(stage: World, rows: list[Mapping[str, str]], obeys: bool) -> None:
    with stage.engine.begin() as connection:
        connection.execute(tables.events.delete())
    if obeys:
        with stage.engine.begin() as connection:
            names = insert_each(connection, rows)
    else:
        with around_the_rules(stage.engine) as connection:
            names = insert_each(connection, rows)
    good = UserSignedUp(f"good {next(NUMBERS)}", name="Good", udf={})
    stage.publish(good)
    with stage.engine.begin() as connection:
        mend_strays(connection, stage.clock())
    stage.work()

    assert stage.event(good)["status"] == "done"
    for name in names:
        for row in stage.rows("events", fingerprint=name):
            event(str(row["status"]))
            assert row["status"] in ENDS or row["due_at"] > stage.clock(), row
            assert row["status"] != "dead" or row["last_error"], row
    if next(PRINTED) % 4 == 0:
        show_all(stage)


def show_all(stage: World) -> None:
    """Print as `dead list --json`, `events list --json`, `show --json` and `status --json` do."""
    letters = select_dead(stage.engine, DeadFilter(), limit=10).letters
    payloads = show_letters(stage.engine, letters, stage.settings.vault())
    accounts = [letter.linked_account_id for letter in letters]
    readable = [account for account in accounts if isinstance(account, str) and "\ufffd" not in account]
    customers = [read_customer(stage.engine, account, limit=10, database="here") for account in readable]
    events = read_events(stage.engine, account=None, status=None, limit=10)
    printed = to_json([letters, [*payloads.values()], customers, events, read_overview(stage.engine)])
    assert len(json.loads(printed.encode(), parse_constant=pytest.fail)) == 5
    assert events
