"""When a run stops because too much seems to be gone."""

import pytest

from cobalt_mirror.workers.errors import BrakeHeld
from cobalt_mirror.workers.reconcile.brake import brake
from cobalt_mirror.workers.settings import Settings

SETTINGS = Settings()


@pytest.mark.parametrize(
    ("gone", "known"),
    [(0, 0), (1, 10), (20, 20), (20, 100), (21, 420), (50, 1000)],
)
def test_a_small_number_or_a_small_share_goes_through(gone: int, known: int) -> None:
    brake(SETTINGS, missing=gone, accounts=known, gone=gone, connections=known)


@pytest.mark.parametrize(("gone", "known"), [(21, 21), (21, 419), (51, 1000)])
def test_a_number_and_a_share_together_stop_it(gone: int, known: int) -> None:
    with pytest.raises(BrakeHeld, match=f"{gone} of {known} accounts seem to be gone.*--allow-missing"):
        brake(SETTINGS, missing=gone, accounts=known, gone=0, connections=0)
    with pytest.raises(BrakeHeld, match=f"{gone} of {known} connections seem to be gone"):
        brake(SETTINGS, missing=0, accounts=known, gone=gone, connections=known)


def test_share_and_number_are_settings() -> None:
    strict = Settings(reconcile_brake_share=0, reconcile_brake_count=0)
    with pytest.raises(BrakeHeld):
        brake(strict, missing=1, accounts=1000, gone=0, connections=0)
