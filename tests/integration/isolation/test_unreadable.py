"""A row that cannot be read ends as dead, with its reason, and costs nobody else anything."""

from cobalt_mirror.db.strays import mend_strays
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from cobalt_mirror.workers.ops.customer import read_customer
from cobalt_mirror.workers.ops.overview import read_overview
from tests.around import around_the_rules
from tests.integration.isolation.rows import ON_POSTGRESQL, ON_SQLITE, Bad, Inserter
from tests.world import World


def bad_rows(world: World) -> list[Bad]:
    return ON_SQLITE if world.engine.dialect.name == "sqlite" else ON_POSTGRESQL


def test_each_is_dead_with_its_reason_and_everybody_else_is_served(world: World) -> None:
    rows = bad_rows(world)
    with around_the_rules(world.engine) as connection:
        Inserter(connection).insert(rows)
    good: list[Event] = [UserSignedUp(f"good {number}", name="Good", udf={}) for number in range(5)]
    good += [UserSignedUp("bad 1", name="Good", udf={}), ConfigChanged("bad 2", "slack", fields={"mention": "@a"})]
    world.publish(*good)
    with world.engine.begin() as connection:
        mend_strays(connection, world.clock())
    world.work()

    assert world.statuses(good) == ["done"] * len(good)
    ends = {row["fingerprint"]: row for row in world.rows("events")}
    for row in rows:
        end = ends[row.name]
        if row.reason is None:
            assert end["status"] == "done", row.name
        else:
            assert (end["status"], end["move"]) == ("dead", "operator"), row.name
            assert str(end["last_error"]).startswith(row.reason), (row.name, end["last_error"])
    assert world.mirror() == world.truth()


def test_a_person_is_shown_each_before_and_after(world: World) -> None:
    rows = bad_rows(world)
    with around_the_rules(world.engine) as connection:
        Inserter(connection).insert(rows)
    for dead in (0, sum(row.reason is not None for row in rows)):
        overview = read_overview(world.engine, dead=1_000)
        assert (len(overview.dead), overview.pending) == (dead, 0 if dead else len(rows))
        for number, row in enumerate(rows, start=1):
            if "linked_account_id" not in row.columns:
                customer = read_customer(world.engine, f"bad {number}", limit=10, database="here")
                assert [event.last_error is not None for event in customer.events] == [bool(dead and row.reason)]
        with world.engine.begin() as connection:
            mend_strays(connection, world.clock())
        world.work()
