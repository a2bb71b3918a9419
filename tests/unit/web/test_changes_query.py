"""What `GET /changes` takes for its parameters."""

import pytest
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from cobalt_mirror.db.reads.feed import LARGEST_POSITION
from cobalt_mirror.workers.web.changes_endpoint import LONGEST_WAIT_SECONDS, Wanted, read_query


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Wanted(after=None, limit=100, wait=0)),
        ("after=0", Wanted(after=0, limit=100, wait=0)),
        ("after=17&limit=1&wait=20", Wanted(after=17, limit=1, wait=20)),
        (f"after={LARGEST_POSITION}&limit=1000", Wanted(after=LARGEST_POSITION, limit=1000, wait=0)),
        ("wait=30", Wanted(after=None, limit=100, wait=LONGEST_WAIT_SECONDS)),
        ("wait=31", Wanted(after=None, limit=100, wait=LONGEST_WAIT_SECONDS)),
        ("wait=86400", Wanted(after=None, limit=100, wait=LONGEST_WAIT_SECONDS)),
    ],
)
def test_parameters_are_whole_numbers_and_a_long_wait_is_cut(query: str, wanted: Wanted) -> None:
    assert read_query(QueryParams(query)) == wanted


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("after=-1", "after: must be a whole number from 0 to 9223372036854775807, not '-1'"),
        (f"after={LARGEST_POSITION + 1}", "after: must be a whole number from 0 to 9223372036854775807, not "),
        ("after=", "after: must be a whole number from 0 to 9223372036854775807, not ''"),
        ("after=1.5", "after: must be a whole number"),
        ("after=%C2%B2", "after: must be a whole number"),
        (f"after={'9' * 5000}", "after: must be a whole number"),
        ("limit=0", "limit: must be a whole number from 1 to 1000, not '0'"),
        ("limit=1001", "limit: must be a whole number from 1 to 1000, not '1001'"),
        ("wait=soon", "wait: must be a whole number"),
    ],
)
def test_anything_else_is_refused_by_its_name(query: str, detail: str) -> None:
    with pytest.raises(HTTPException) as refused:
        read_query(QueryParams(query))

    assert refused.value.status_code == 400
    assert refused.value.detail.startswith(detail)
    assert len(refused.value.detail) < 150
