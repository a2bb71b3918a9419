"""What is recorded of an attempt's calls: when each was made and what for, if the attempt is in the sample."""

from datetime import timedelta

import pytest

from cobalt_mirror.db.leases import Lease
from cobalt_mirror.workers.handlers.calls import calls_of
from cobalt_mirror.workers.settings import Settings
from tests.unit.entries import ACCOUNT, NOON, SLUG, authorized
from tests.unit.handlers.subjects import findings
from tests.unit.requests import exchanged


def lease() -> Lease:
    return Lease(linked_account_id=ACCOUNT, slug=SLUG, token="80000000ab", ends=0)


def test_a_call_is_dated_from_the_beginning_of_its_attempt_and_says_what_for() -> None:
    loaded = findings(authorized("e1"), slug=SLUG).loaded
    made = calls_of(loaded, lease(), [(exchanged(took_seconds=0.0126, waited_seconds=0.0004), "c1")], began=98.5)

    assert made is not None
    assert (made.attempt, made.because) == ("80000000ab", {"events": [{"source": "host", "id": "e1"}]})
    (call,) = made.calls
    assert call.made_at == NOON + timedelta(seconds=1.5)
    assert (call.took_ms, call.waited_ms, call.connection_id, call.path) == (13, 0, "c1", "/x/{account}")


@pytest.mark.parametrize(("share", "number", "recorded"), [(1, 0, False), (0.5, 1, False), (1, 1, True)])
def test_without_calls_or_outside_the_sample_nothing_is_recorded(share: float, number: int, recorded: bool) -> None:
    loaded = findings(authorized("e1"), settings=Settings(calls_sample_share=share)).loaded

    assert (calls_of(loaded, lease(), [(exchanged(), None)] * number, began=0) is not None) is recorded
