"""When a run stops because too much seems to be gone: the number and the share are both exceeded."""

import pytest

from cobalt_mirror.workers.errors import BrakeHeld
from cobalt_mirror.workers.reconcile.brake import brake
from cobalt_mirror.workers.settings import Settings

#: Suspected gone, known, and whether that stops a run: more than 20 and more than one in twenty.
ROWS = [
    pytest.param(0, 0, False, id="nothing is known"),
    pytest.param(0, 1_000, False, id="nothing is gone"),
    pytest.param(1, 1, False, id="the only one is gone"),
    pytest.param(20, 20, False, id="the number exactly, and all of them"),
    pytest.param(21, 21, True, id="one more than the number, and all of them"),
    pytest.param(20, 100, False, id="the number exactly, and a greater share"),
    pytest.param(21, 100, True, id="one more than the number, and a greater share"),
    pytest.param(21, 419, True, id="just over the share"),
    pytest.param(21, 420, False, id="the share exactly"),
    pytest.param(21, 421, False, id="just under the share"),
    pytest.param(20, 400, False, id="number and share exactly"),
    pytest.param(50, 1_000, False, id="of many, the share exactly"),
    pytest.param(51, 1_000, True, id="of many, one more than the share"),
]


@pytest.mark.parametrize(("gone", "known", "stops"), ROWS)
@pytest.mark.parametrize("what", ["accounts", "connections"])
def test_a_number_and_a_share_together_stop_a_run(what: str, gone: int, known: int, stops: bool) -> None:
    missing = gone if what == "accounts" else 0
    message = held(missing=missing, accounts=known, gone=gone - missing, connections=known)

    assert (message is not None) == stops
    assert message is None or message.startswith(f"{gone} of {known} {what} seem to be deleted at Cobalt;")
    assert message is None or "cobalt-mirror reconcile --allow-missing" in message


def held(settings: Settings | None = None, **counts: int) -> str | None:
    """What a run that is stopped says; None: it goes on."""
    try:
        brake(Settings() if settings is None else settings, **counts)
    except BrakeHeld as error:
        return str(error)
    return None


def test_accounts_and_connections_are_not_added_up() -> None:
    assert held(missing=15, accounts=100, gone=15, connections=100) is None
    assert held(missing=21, accounts=1_000, gone=21, connections=1_000) is None


def test_both_are_named_if_both_stop_it() -> None:
    message = held(missing=30, accounts=100, gone=40, connections=200)

    assert message is not None
    assert message.startswith("30 of 100 accounts and 40 of 200 connections seem to be deleted")


#: The share, the number, suspected gone, known, and whether that stops a run.
SETTINGS = [
    pytest.param(0, 0, 0, 10, False, id="not any: none is gone"),
    pytest.param(0, 0, 1, 1_000, True, id="not any: one is gone"),
    pytest.param(1, 0, 10, 10, False, id="all of them: all are gone"),
    pytest.param(0.5, 2, 3, 6, False, id="half: half are gone"),
    pytest.param(0.5, 2, 4, 6, True, id="half: more are gone"),
    pytest.param(0.5, 2, 2, 2, False, id="two: two are gone"),
    pytest.param(0.5, 2, 3, 3, True, id="two: three are gone"),
]


@pytest.mark.parametrize(("share", "number", "gone", "known", "stops"), SETTINGS)
def test_share_and_number_are_settings(share: float, number: int, gone: int, known: int, stops: bool) -> None:
    settings = Settings(reconcile_brake_share=share, reconcile_brake_count=number)

    assert (held(settings, missing=gone, accounts=known, gone=0, connections=0) is not None) == stops
