"""The courier may be stopped at any time, also before it started."""

from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.courier import Courier


def test_one_that_has_not_started_can_be_stopped() -> None:
    Courier(Sandbox()).stop()
