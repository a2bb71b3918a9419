"""When an application that a listing of the catalogue lacks is still in doubt."""

from datetime import timedelta

import pytest

from cobalt_mirror.workers.catalogue import SECOND_LISTING, doubt
from tests.unit.entries import MICROSECOND, NOON

#: What a listing lacks, how long ago others were in doubt, and which are in doubt now, since how long.
DOUBTS = [
    pytest.param([], {}, {}, id="nothing"),
    pytest.param(["a"], {}, {"a": timedelta()}, id="for the first time"),
    pytest.param([], {"a": timedelta(seconds=1)}, {}, id="it is listed again"),
    pytest.param(["a"], {"a": SECOND_LISTING - MICROSECOND}, {"a": SECOND_LISTING - MICROSECOND}, id="too early"),
    pytest.param(["a"], {"a": SECOND_LISTING}, {}, id="at its time"),
    pytest.param(["a"], {"a": SECOND_LISTING + MICROSECOND}, {}, id="later"),
    pytest.param(["a", "b"], {"a": SECOND_LISTING}, {"b": timedelta()}, id="another one for the first time"),
    pytest.param(["b"], {"a": SECOND_LISTING}, {"b": timedelta()}, id="another one in its place"),
]


@pytest.mark.parametrize(("missing", "before", "expected"), DOUBTS)
def test_the_second_listing_that_lacks_an_application_is_believed(
    missing: list[str], before: dict[str, timedelta], expected: dict[str, timedelta]
) -> None:
    absent = {slug: NOON - age for slug, age in before.items()}

    assert doubt(missing, absent, NOON) == {slug: NOON - age for slug, age in expected.items()}
