from datetime import UTC, datetime, timedelta

import pytest

from cobalt_mirror.workers.terminal.words import cell, duration


def test_what_a_terminal_would_obey_shows_as_a_dot() -> None:
    assert cell("Acme\x1b[2J\nLtd") == "Acme·[2J·Ltd"


def test_values_read_as_text() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert [cell(None), cell(moment), cell({"a": "ü"})] == ["", "2026-01-31 12:00:00Z", '{"a": "ü"}']


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 d")]
)
def test_a_length_of_time_reads_in_its_largest_unit(seconds: float, shown: str) -> None:
    assert duration(timedelta(seconds=seconds)) == shown
