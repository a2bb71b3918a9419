"""How often is looked for what is expected soon: rarely enough for the database, soon enough for a page."""

import pytest

from cobalt_mirror.events.polling import poll_delay, poll_delays

LONG = 1_000.0

ROWS = [
    pytest.param(1, LONG, 0.0, 0.025, id="the first, at the earliest"),
    pytest.param(1, LONG, 1.0, 0.050, id="the first, at the latest"),
    pytest.param(1, LONG, 0.5, 0.0375, id="the first, in the middle"),
    pytest.param(2, LONG, 0.0, 0.050, id="the second begins where the first ends"),
    pytest.param(2, LONG, 1.0, 0.100, id="the second, at the latest"),
    pytest.param(3, LONG, 1.0, 0.200, id="the last that doubles"),
    pytest.param(4, LONG, 1.0, 0.250, id="the longest"),
    pytest.param(4, LONG, 0.0, 0.125, id="half of the longest"),
    pytest.param(5, LONG, 1.0, 0.250, id="it stays so"),
    pytest.param(100_000, LONG, 1.0, 0.250, id="after a very long wait"),
    pytest.param(4, 0.251, 1.0, 0.250, id="a little more time is left"),
    pytest.param(4, 0.250, 1.0, 0.250, id="just enough time is left"),
    pytest.param(4, 0.249, 1.0, 0.249, id="the last look is at the end"),
    pytest.param(1, 0.001, 0.0, 0.001, id="hardly any time is left"),
]


@pytest.mark.parametrize(("looks", "left", "chance", "delay"), ROWS)
def test_a_delay_doubles_up_to_a_quarter_of_a_second_and_ends_with_the_time(
    looks: int, left: float, chance: float, delay: float
) -> None:
    assert poll_delay(looks, left=left, chance=chance) == pytest.approx(delay)


class Clock:
    """Time that passes only as delays say."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float, chance: float) -> list[float]:
        """Wait with every look taking no time; return the delays."""
        delays = []
        for delay in poll_delays(seconds, monotonic=self, chance=lambda: chance):
            delays.append(round(delay, 6))
            self.now += delay
        return delays


@pytest.mark.parametrize(
    ("seconds", "chance", "delays"),
    [
        (0, 0.0, []),
        (-1, 0.0, []),
        (0.025, 0.0, [0.025]),
        (0.03, 0.0, [0.025, 0.005]),
        (1, 1.0, [0.05, 0.1, 0.2, 0.25, 0.25, 0.15]),
        (0.5, 0.0, [0.025, 0.05, 0.1, 0.125, 0.125, 0.075]),
    ],
)
def test_the_last_look_is_at_the_end_of_the_time(seconds: float, chance: float, delays: list[float]) -> None:
    clock = Clock()

    assert clock.wait(seconds, chance) == delays
    assert clock.now == pytest.approx(100 + max(seconds, 0))
