"""What `GET /changes` takes for its parameters."""

from typing import Any

import pytest
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from cobalt_mirror.db.reads.feed import LARGEST_POSITION
from cobalt_mirror.workers.web.changes_endpoint import AFTER, LIMIT, LONGEST_WAIT_SECONDS, WAIT
from cobalt_mirror.workers.web.parameters import Parameter


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", (None, 100, 0)),
        ("after=0", (0, 100, 0)),
        ("after=17&limit=1&wait=20", (17, 1, 20)),
        (f"after={LARGEST_POSITION}&limit=1000", (LARGEST_POSITION, 1000, 0)),
        ("wait=30", (None, 100, LONGEST_WAIT_SECONDS)),
        ("wait=31", (None, 100, LONGEST_WAIT_SECONDS)),
        ("wait=86400", (None, 100, LONGEST_WAIT_SECONDS)),
    ],
)
def test_parameters_are_whole_numbers_and_a_long_wait_is_cut(query: str, wanted: tuple[int | None, int, int]) -> None:
    assert tuple(each.read(QueryParams(query)) for each in (AFTER, LIMIT, WAIT)) == wanted


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
    parameters: dict[str, Parameter[Any]] = {each.name: each for each in (AFTER, LIMIT, WAIT)}
    with pytest.raises(HTTPException) as refused:
        parameters[query.partition("=")[0]].read(QueryParams(query))

    assert refused.value.status_code == 400
    assert refused.value.detail.startswith(detail)
    assert len(refused.value.detail) < 150
