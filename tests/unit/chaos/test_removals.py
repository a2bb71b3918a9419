"""The invariants about removals: nothing is removed that was not meant, and everything that was meant."""

from dataclasses import replace
from email.utils import format_datetime
from typing import Any

import pytest

from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from tests.chaos.evidence import Evidence
from tests.chaos.invariants.meant import find_not_removed
from tests.chaos.invariants.removals import find_wrongly_removed
from tests.unit.chaos.evidences import at, call, effect, evidence, logged, note

REMOVAL = ConnectionRemoved("acme", "slack", id="4", occurred_at=at(10))
#: The worker's lease: it began at 13 and looked at 14.
LEASED = note(9, "work", seconds=13, operation="UPDATE", old_token=None, new_token="a")


def disconnected(*, made: float, read: float, more: list[dict[str, Any]] | None = None, **kept: Any) -> Evidence:
    """A removal that occurred at 10 and waited from 10 to 20, and a disconnect at 15."""
    return evidence(
        events=[(REMOVAL, logged(REMOVAL, recorded=10, finished=20))],
        calls=[call(1, read, "read_application", slug="slack"), call(2, 15, "delete_integration", slug="slack")],
        effects=[
            effect("connected", made, by=None, slug="slack", auth_type="oauth2"),
            *(more or []),
            effect("disconnected", 15, by=2, slug="slack", auth_type="oauth2"),
        ],
        **kept,
    )


def test_a_removal_takes_what_was_connected_before() -> None:
    found = find_wrongly_removed(disconnected(made=5, read=14))

    assert found.violations == []
    assert found.counts["by removals"] == 1


def test_a_removal_that_takes_what_is_newer_is_seen() -> None:
    [found] = find_wrongly_removed(disconnected(made=12, read=14)).violations

    assert "no waiting removal is meant for it: ['4']" in found


def test_a_removal_takes_what_is_newer_if_the_mirror_showed_it() -> None:
    stamp = {"auth_type": "oauth2", "connected_at": at(12).isoformat()}
    stamped = note(1, "stamp", source="host", id="4", meant_for=[stamp])

    assert find_wrongly_removed(disconnected(made=12, read=14, audit=[stamped])).violations == []


def test_what_is_made_between_the_look_and_the_delete_nobody_can_protect() -> None:
    again = effect("reconnected", 14.5, by=None, slug="slack", auth_type="oauth2")
    found = find_wrongly_removed(disconnected(made=5, read=14, more=[again]))

    assert found.violations == []
    assert found.counts["made after the look"] == 1


def test_a_disconnect_when_no_removal_waits_is_seen() -> None:
    seen = disconnected(made=5, read=14)
    [row] = seen.rows["events"]
    [found] = find_wrongly_removed(replace(seen, rows={"events": [{**row, "finished_at": at(13)}]})).violations

    assert "no waiting removal is meant for it: []" in found


# --- what was connected anew ------------------------------------------------------------------------------------------

AUTHORIZED = ConnectionAuthorized("acme", "slack", auth_type="oauth2", id="5", occurred_at=at(12))
STAMPED = note(
    1, "stamp", source="host", id="4", meant_for=[{"auth_type": "oauth2", "connected_at": at(5).isoformat()}]
)


def of_slack(kind: str, seconds: float, *, by: int | None = None, **detail: Any) -> dict[str, Any]:
    return effect(kind, seconds, by=by, slug="slack", **{"auth_type": "oauth2", **detail})


def reconnected() -> Evidence:
    """What was connected at 5 and again at 12, and was disconnected at 15 by the removal of 10."""
    again = of_slack("reconnected", 12)
    return disconnected(made=5, read=14, more=[again], audit=[STAMPED, LEASED])


def authorized(seen: Evidence, *, recorded: float, skew: float = 0.0) -> Evidence:
    """The same, with an authorization."""
    key = (AUTHORIZED.source, AUTHORIZED.id)
    row = logged(AUTHORIZED, recorded=recorded, finished=20)
    return replace(
        seen,
        accepted={**seen.accepted, key: AUTHORIZED},
        rows={**seen.rows, "events": [*seen.rows["events"], row]},
        skews={key: skew} if skew else {},
    )


def notified(seen: Evidence, second: float, *, received: float) -> Evidence:
    """The same, with a notification that the application was connected."""
    payload = {"createdAt": format_datetime(at(second), usegmt=True)}
    row = {"event": "Connection Created", "linked_account_id": "acme", "slug": "slack", "payload": payload}
    return replace(seen, rows={**seen.rows, "notifications": [{**row, "received_at": at(received)}]})


def test_what_is_connected_anew_without_any_news_of_it_is_counted() -> None:
    found = find_wrongly_removed(reconnected())

    assert found.violations == []
    assert found.counts["connected anew without any news of it"] == 1
    assert found.counts["by removals"] == 0


@pytest.mark.parametrize(
    ("seen", "is_found"),
    [
        (authorized(reconnected(), recorded=12.5), True),
        (authorized(reconnected(), recorded=13.5), False),  # the attempt had begun
        (notified(reconnected(), 12, received=12.5), True),
        (notified(reconnected(), 12, received=13.5), False),
        (notified(reconnected(), 10, received=12.5), False),  # the second of the removal itself
    ],
)
def test_what_is_taken_although_news_of_its_reconnection_had_come_is_seen(seen: Evidence, *, is_found: bool) -> None:
    assert len(find_wrongly_removed(seen).violations) == is_found


def test_what_is_taken_although_the_mirror_showed_another_is_seen() -> None:
    """What has another identity than what the mirror showed needs no news."""
    stamp = note(
        1, "stamp", source="host", id="4", meant_for=[{"auth_type": "keybased", "connected_at": at(5).isoformat()}]
    )
    seen = disconnected(made=12, read=14, audit=[stamp, LEASED])
    older = of_slack("connected", 5, auth_type="keybased")

    assert len(find_wrongly_removed(replace(seen, effects=[older, *seen.effects])).violations) == 1


def test_a_token_that_is_renewed_is_no_new_connection() -> None:
    found = find_wrongly_removed(disconnected(made=5, read=14, more=[of_slack("token_renewed", 12)]))

    assert found.violations == []
    assert found.counts["by removals"] == 1


# --- what was meant ---------------------------------------------------------------------------------------------------


def ended(*effects: dict[str, Any], status: str = "done", removal: ConnectionRemoved = REMOVAL) -> Evidence:
    """A removal that occurred at 10 and ended at 20, and these effects."""
    row = logged(removal, recorded=10, finished=20, status=status)
    return evidence(events=[(removal, row)], effects=effects, audit=[STAMPED])


def test_a_removal_that_was_carried_out_is_counted() -> None:
    found = find_not_removed(
        ended(of_slack("connected", 5), of_slack("token_renewed", 12), of_slack("disconnected", 15))
    )

    assert found.violations == []
    assert found.counts == {
        "removals": 1,
        "connected accounts that they meant": 1,
        "of these renewed meanwhile": 1,
        "connected anew": 0,
    }


@pytest.mark.parametrize("status", ["done", "superseded"])
@pytest.mark.parametrize("more", [[], [of_slack("token_renewed", 12)], [of_slack("disconnected", 30)]])
def test_what_stays_connected_although_it_was_removed_is_seen(more: list[dict[str, Any]], status: str) -> None:
    [found] = find_not_removed(ended(of_slack("connected", 5), *more, status=status)).violations

    assert found.startswith("acme / slack / oauth2 was connected at 12:00:05")
    assert f"but stays although 4 ended at 12:00:20.000000: {status}" in found


def test_a_removal_that_is_dead_promised_nothing() -> None:
    assert find_not_removed(ended(of_slack("connected", 5), status="dead")).violations == []


def test_what_the_customer_connected_again_may_stay() -> None:
    found = find_not_removed(ended(of_slack("connected", 5), of_slack("reconnected", 12)))

    assert found.violations == []
    assert found.counts["connected anew"] == 1


def test_what_was_connected_again_only_after_the_removal_ended_is_seen() -> None:
    assert len(find_not_removed(ended(of_slack("connected", 5), of_slack("reconnected", 21))).violations) == 1


@pytest.mark.parametrize(
    "effects",
    [
        [of_slack("connected", 12)],
        [of_slack("connected", 5), of_slack("disconnected", 8)],
        [of_slack("connected", 5), effect("account_deleted", 15, by=None)],
    ],
)
def test_what_was_not_there_then_or_is_gone_for_another_reason_is_not_missed(effects: list[dict[str, Any]]) -> None:
    assert find_not_removed(ended(*effects)).violations == []


def test_a_removal_means_every_connection_that_it_does_not_exclude() -> None:
    first = of_slack("connected", 5, connection_id="c1")
    second = of_slack("connected", 6, connection_id="c2", auth_type="keybased")
    gone = of_slack("disconnected", 15, connection_id="c1")
    [found] = find_not_removed(ended(first, second, gone)).violations

    assert found.startswith("acme / slack / c2 ")
    assert find_not_removed(ended(first, second, gone, removal=replace(REMOVAL, connection_id="c1"))).violations == []
    assert find_not_removed(ended(first, second, gone, removal=replace(REMOVAL, auth_type="oauth2"))).violations == []


def test_what_stays_because_the_host_authorized_it_later_is_counted() -> None:
    kept = ended(of_slack("connected", 5), of_slack("token_renewed", 13))
    found = find_not_removed(authorized(kept, recorded=12.5))

    assert found.violations == []
    assert found.counts["kept for a later authorization"] == 1
    assert find_not_removed(authorized(kept, recorded=12.5, skew=9.0)).counts["kept for a clock that is wrong"] == 1
    assert len(find_not_removed(authorized(kept, recorded=21)).violations) == 1


def test_what_did_not_even_move_is_not_kept_for_an_authorization() -> None:
    assert len(find_not_removed(authorized(ended(of_slack("connected", 5)), recorded=12.5)).violations) == 1


def test_what_stays_because_cobalt_notified_of_it_later_is_counted() -> None:
    kept = ended(of_slack("connected", 5), of_slack("token_renewed", 13))

    assert find_not_removed(notified(kept, 13, received=14)).counts["kept for a later notification"] == 1
    assert len(find_not_removed(notified(kept, 10, received=14)).violations) == 1


def test_what_stays_may_have_been_notified_of_before_the_account_was_deleted() -> None:
    def erased(*, received: float, second: float = 13) -> Evidence:
        seen = notified(ended(of_slack("connected", 5), of_slack("token_renewed", second)), 13, received=received)
        [row] = seen.rows["notifications"]
        return replace(seen, rows={**seen.rows, "notifications": [{**row, "payload": None}]})

    assert find_not_removed(erased(received=14)).counts["kept for a notification that was erased"] == 1
    assert len(find_not_removed(erased(received=14, second=9)).violations) == 1
    assert len(find_not_removed(erased(received=9)).violations) == 1
    assert len(find_not_removed(erased(received=60)).violations) == 1


def test_by_a_clock_that_is_behind_only_what_the_mirror_showed_is_meant() -> None:
    behind = replace(REMOVAL, occurred_at=at(4))
    kept = replace(ended(of_slack("connected", 5), removal=behind), skews={("host", "4"): -6.0})

    assert len(find_not_removed(kept).violations) == 1
    unknown = find_not_removed(replace(kept, audit=[]))
    assert unknown.violations == []
    assert unknown.counts["kept for a clock that is wrong"] == 1


def test_what_the_mirror_did_not_get_before_it_moved_is_counted() -> None:
    shown = {"auth_type": "oauth2", "connected_at": at(1).isoformat(), "connection_id": "c1"}
    late = [of_slack("connected", 5, connection_id="c2"), of_slack("token_renewed", 12, connection_id="c2")]
    kept = replace(ended(*late), audit=[note(1, "stamp", source="host", id="4", meant_for=[shown])])
    named = ended(*late, removal=replace(REMOVAL, connection_id="c2"))
    got = {"auth_type": "oauth2", "connected_at": at(5).isoformat(), "connection_id": "c2"}
    row = {"what": "connection", "linked_account_id": "acme", "slug": "slack", "recorded_at": at(11)}
    row["changes"] = {"accounts": [[shown], [shown, got]]}

    assert find_not_removed(kept).counts["kept for a mirror that was late"] == 1
    assert find_not_removed(kept).violations == []
    assert len(find_not_removed(replace(named, audit=kept.audit)).violations) == 1
    assert len(find_not_removed(replace(kept, rows={**kept.rows, "history": [row]})).violations) == 1
    late_row = {**row, "recorded_at": at(21)}
    assert find_not_removed(replace(kept, rows={**kept.rows, "history": [late_row]})).violations == []
    assert len(find_not_removed(replace(kept, audit=[])).violations) == 1
