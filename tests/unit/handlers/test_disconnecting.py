"""How removals are carried out: one DELETE each, each after a read; and what connects or moves in between stays."""

import pytest

from cobalt_mirror.cobalt import CobaltError
from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.rows import ConfigKey
from tests.unit.entries import ACCOUNT, at, authorized, changed
from tests.unit.handlers.links import link, stamp
from tests.unit.handlers.mirrored import DELETED, assert_as_at_cobalt, recorded
from tests.unit.handlers.stage import ACCOUNT_READ, READ, SEVERAL, TYPES, Stage, again, leave
from tests.unit.handlers.subjects import ended_as

# --- one DELETE each, each after a read -------------------------------------------------------------------------------


def test_all_connections_go_one_by_one_each_after_a_read(stage: Stage) -> None:
    one, two, three = (stage.connect(SEVERAL, second) for second in (1, 2, 3))
    found = stage.attempt(SEVERAL, leave("r", 10), second=100)

    assert stage.calls() == [READ, f"DELETE {one}", READ, f"DELETE {two}", READ, f"DELETE {three}"]
    assert ended_as(found) == {"r": "done"}
    assert found.effects[("host", "r")] == {
        "total": True,
        "deleted": True,
        "disconnected": stamp(*(link(n, connection_id=id_) for n, id_ in enumerate((one, two, three), 1))),
    }
    assert_as_at_cobalt(found, stage.client)


def test_all_auth_types_go_one_by_one_each_after_a_read(stage: Stage) -> None:
    for second, auth_type in enumerate(("oauth2", "keybased")):
        stage.connect(TYPES, second, auth_type=auth_type)
    found = stage.attempt(TYPES, leave("r", 10, TYPES), second=100)

    assert stage.calls() == [READ, "DELETE oauth2", READ, "DELETE keybased"]
    assert_as_at_cobalt(found, stage.client)


def test_one_connection_goes_with_its_configs_and_the_others_keep_theirs(stage: Stage) -> None:
    one, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    for id_ in (one, two):
        stage.client.config(ACCOUNT, SEVERAL, connection_id=id_)
    configs = [ConfigKey(ACCOUNT, id_) for id_ in (one, two)]
    found = stage.attempt(SEVERAL, leave("r", 10, connection_id=one), second=100, configs=configs)

    assert stage.calls() == [READ, f"DELETE {one}"]
    assert recorded(found, "configs") == {f"{ACCOUNT}/{one}": DELETED}
    assert found.effects[("host", "r")]["deleted"] is False
    assert [row.connection_id for row in found.configs] == [two]
    assert_as_at_cobalt(found, stage.client)


def test_the_last_connection_takes_all_configs_along(stage: Stage) -> None:
    one = stage.connect(SEVERAL, 1)
    configs = [ConfigKey(ACCOUNT, one), ConfigKey("of another time")]
    found = stage.attempt(SEVERAL, leave("r", 10, connection_id=one), second=100, configs=configs)

    assert set(recorded(found, "configs")) == {f"{ACCOUNT}/{one}", "of another time"}
    assert found.effects[("host", "r")]["deleted"] is True


def test_what_names_a_connection_that_is_removed_later_is_moot(stage: Stage) -> None:
    one, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    before = [
        authorized("a", 3, slug=SEVERAL, connection_id=one),
        authorized("b", 3, slug=SEVERAL, connection_id=two),
        changed("c", 4, {"connection_id": one}, slug=SEVERAL),
        changed("d", 4, {"connection_id": two}, slug=SEVERAL),
        changed("e", 4, slug=SEVERAL),
    ]
    removal = leave("r", 10, connection_id=one)
    found = stage.attempt(SEVERAL, *before, removal, second=100)

    assert ended_as(found) == {"r": "done", "a": "superseded", "c": "superseded", "b": "done", "d": "done", "e": "dead"}
    assert "which of them?" in str(found.outcomes[("host", "e")].detail)

    done = again(removal, found, status="done")
    late = stage.attempt(SEVERAL, *before, second=200, ended=[done])
    assert ended_as(late) == {"a": "superseded", "c": "superseded", "b": "done", "d": "done", "e": "dead"}


# --- what connects or moves between two DELETEs -----------------------------------------------------------------------


@pytest.mark.parametrize("is_stamped", [True, False])
def test_a_connection_that_is_opened_between_two_deletes_stays(stage: Stage, *, is_stamped: bool) -> None:
    one, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    meant_for = stamp(link(1, connection_id=one), link(2, connection_id=two)) if is_stamped else None
    opened: list[str] = []
    stage.wire.after_delete = lambda: opened.append(stage.connect(SEVERAL, 100))
    removal = leave("r", 10, meant_for=meant_for)
    found = stage.attempt(SEVERAL, removal, second=100)

    if not is_stamped:  # then only the news of it tells
        assert ended_as(found) == {"r": "snooze"}
        assert stage.calls() == [READ, f"DELETE {one}", READ, ACCOUNT_READ]
        found = stage.attempt(SEVERAL, again(removal, found, looks=1), second=102, notified_at=[at(100)])
    assert ended_as(found) == {"r": "done"}
    assert found.outcomes[("host", "r")].detail == f"not removed, as it was connected after this removal: {opened[0]}"
    assert stage.connected(SEVERAL) == opened
    assert_as_at_cobalt(found, stage.client)


def test_what_was_disconnected_and_is_connected_again_at_once_stays(stage: Stage) -> None:
    for auth_type in ("oauth2", "keybased"):
        stage.connect(TYPES, 1, auth_type=auth_type)
    stage.wire.after_delete = lambda: stage.connect(TYPES, 100, auth_type="oauth2")
    found = stage.attempt(TYPES, leave("r", 10, TYPES), second=100)

    assert stage.calls() == [READ, "DELETE oauth2", READ, "DELETE keybased"]
    assert found.outcomes[("host", "r")].detail == "not removed, as it was connected after this removal: oauth2"
    assert stage.connected(TYPES) == ["oauth2"]
    assert found.effects[("host", "r")]["deleted"] is False
    assert_as_at_cobalt(found, stage.client)


def test_what_moves_between_two_deletes_waits_for_news_of_why(stage: Stage) -> None:
    for auth_type in ("keybased", "oauth2"):
        stage.connect(TYPES, 1, auth_type=auth_type)
    removal = leave("r", 10, TYPES)
    stage.wire.after_delete = lambda: stage.connect(TYPES, 100, auth_type="oauth2")
    found = stage.attempt(TYPES, removal, second=100)

    assert stage.calls() == [READ, "DELETE keybased", READ, ACCOUNT_READ]
    assert ended_as(found) == {"r": "snooze"}
    assert found.effects[("host", "r")] == {
        "total": False,
        "deleted": False,
        "disconnected": stamp(link(1, "keybased")),
    }
    assert_as_at_cobalt(found, stage.client)

    told = stage.attempt(TYPES, again(removal, found, looks=1), second=102, notified_at=[at(100)])
    assert (stage.calls(), ended_as(told)) == ([READ], {"r": "done"})
    assert stage.connected(TYPES) == ["oauth2"]


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_kept", [True, False], ids=["a call fails", "the process dies"])
def test_an_attempt_that_ends_between_two_deletes_is_finished_by_the_next(stage: Stage, *, is_kept: bool) -> None:
    one, two = stage.connect(SEVERAL, 1), stage.connect(SEVERAL, 2)
    removal = leave("r", 10)
    stage.wire.after_delete = lambda: stage.sandbox.add_faults(Fault(method="GET", times=1))
    found = stage.begin(SEVERAL, removal, second=100)
    with pytest.raises(CobaltError):
        stage.handle(found)
    assert found.effects[("host", "r")]["disconnected"] == stamp(link(1, connection_id=one))
    assert stage.connected(SEVERAL) == [two]

    finished = stage.attempt(SEVERAL, again(removal, found) if is_kept else removal, second=200)
    assert stage.calls() == [READ, f"DELETE {two}"]
    assert ended_as(finished) == {"r": "done"}
    assert finished.effects[("host", "r")]["total"] is True
    assert stage.connected(SEVERAL) == []


def test_what_an_earlier_attempt_disconnected_and_is_connected_again_stays(stage: Stage) -> None:
    effect = {"total": True, "deleted": True, "disconnected": stamp(link(1))}
    stage.connect(TYPES, 50)
    removal = leave("r", 10, TYPES, effect=effect)
    found = stage.attempt(TYPES, removal, second=100)

    assert stage.calls() == [READ]
    assert found.outcomes[("host", "r")].detail == "not removed, as it was connected after this removal: oauth2"

    later = leave("s", 60, TYPES)
    found = stage.attempt(TYPES, removal, later, second=100)
    assert stage.calls() == [READ, "DELETE oauth2"]
    assert ended_as(found) == {"r": "done", "s": "done"}
    assert found.effects[("host", "s")]["disconnected"] == stamp(link(50))
