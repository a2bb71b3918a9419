"""The search for secrets finds what it looks for, names the place, and repeats nothing of it."""

import pytest

from tests.chaos.secrets import FORMS, search

WRITTEN = [
    pytest.param(
        "worker.log:7", "GET /x {'token': 'secret of mia'}", ["credentials in worker.log:7"], id="credentials"
    ),
    pytest.param(
        "a row of configs", "('mia', {'x': 'Signing secret 4'})", ["a password value in a row of configs"], id="a"
    ),
    pytest.param("Redis b'k'", f"st_{'0f' * 32}", ["a session token in Redis b'k'"], id="a session token"),
    pytest.param("/metrics", f"rt_{'0f' * 32}", ["a session token in /metrics"], id="a refresh token"),
    pytest.param("a row of configs", "('mia', {'Signing secret': None, 'st_1': '***'})", [], id="nothing"),
]


@pytest.mark.parametrize(("place", "text", "found"), WRITTEN)
def test_what_is_found_is_named(place: str, text: str, found: list[str]) -> None:
    finding = search(FORMS, [(place, text), ("web.log:1", "fine")])

    assert finding.violations == found
    assert sum(finding.counts.values()) == 2
