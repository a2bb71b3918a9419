"""What an attempt says of the work that is left, and how often it asks the database."""

from sqlalchemy import event

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import ConfigChanged, UserSignedUp
from cobalt_mirror.workers.handlers.attempt import Progress
from tests.world import World


def test_an_attempt_tells_whether_more_is_due(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme"), ConfigChanged("acme", "slack", fields={"mention": "@a"}))

    assert [world.attempts.attempt("acme") for _ in range(3)] == [Progress.SOME, Progress.ALL, Progress.NOTHING]


def test_an_attempt_that_failed_may_leave_more(world: World) -> None:
    world.sandbox.add_faults(Fault())
    world.publish(UserSignedUp("acme", name="Acme"))

    assert world.attempts.attempt("acme") is Progress.SOME
    assert world.attempts.attempt("acme") is Progress.NOTHING


def test_ten_changes_of_one_config_cost_hardly_more_statements_than_one(world: World) -> None:
    statements: list[str] = []
    world.publish(UserSignedUp("acme", name="Acme"))
    world.work()
    event.listen(world.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    counts = []
    for number in (1, 10):
        world.publish(*(ConfigChanged("acme", "slack", fields={"mention": f"@{n}"}) for n in range(number)))
        statements.clear()
        assert world.attempts.attempt("acme") is Progress.ALL
        counts.append(len(statements))

    assert counts[0] <= 16
    assert counts[1] <= counts[0] + 1  # what is folded away has an outcome of its own
