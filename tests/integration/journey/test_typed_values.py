"""A change from one value to another of the same look is a change: 1 is not True, and 1 is not 1.0."""

from typing import Any

import pytest

from cobalt_mirror.events import ConfigChanged, UserSignedUp
from tests.world import World

#: A value that a field holds, and one that Python calls equal.
PAIRS = [
    pytest.param(1, True, id="1 to true"),
    pytest.param(True, 1, id="true to 1"),
    pytest.param(0, False, id="0 to false"),
    pytest.param(False, 0, id="false to 0"),
    pytest.param([1], [True], id="in a list"),
    pytest.param(1, 1.0, id="1 to 1.0"),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_it_is_carried_out_and_mirrored(world: World, before: Any, after: Any) -> None:
    world.sandbox.change_settings(value_types_checked=False)
    world.publish(UserSignedUp("acme"), ConfigChanged("acme", "slack", fields={"mention": before}))
    world.work_until_quiet()
    change = ConfigChanged("acme", "slack", fields={"mention": after})
    world.publish(change)
    world.work_until_quiet()

    assert world.event(change)["status"] == "done"
    (at_cobalt,) = world.sandbox.state()["configs"]
    (mirrored,) = world.rows("configs")
    assert repr(at_cobalt["fields"]["mention"]) == repr(after)
    assert repr(mirrored["fields"]["mention"]) == repr(after)
    *_, last = (row for row in world.rows("history") if row["what"] == "config")
    assert repr(last["changes"]["fields"]) == repr([{"mention": before}, {"mention": after}])
