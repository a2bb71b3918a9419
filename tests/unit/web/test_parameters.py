"""What parameters of a query may be, and that an endpoint has none which its operation does not list."""

from typing import Any

import pytest
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from cobalt_mirror.workers.web.parameters import Parameter, flag, read_parameters, whole, word

EVERY = whole("every", 2, 30, "", default=7, cut_to=20)
MAYBE = whole("maybe", 2, 30, "", default=None)
IS, NAME = flag("is", ""), word("name", "")


@pytest.mark.parametrize(
    ("parameter", "query", "value"),
    [
        (EVERY, "", 7),
        (EVERY, "every=2", 2),
        (EVERY, "every=20", 20),
        (EVERY, "every=21", 20),
        (EVERY, "every=30", 20),
        (EVERY, "every=05", 5),
        (MAYBE, "", None),
        (MAYBE, "maybe=30", 30),
        (IS, "", False),
        (IS, "is=true", True),
        (IS, "is=false", False),
        (IS, "is=false&is=true", True),
        (NAME, "", None),
        (NAME, "name=", ""),
        (NAME, "name=a%2Fb", "a/b"),
    ],
)
def test_a_value_is_read_or_the_default(parameter: Parameter[Any], query: str, value: object) -> None:
    assert parameter.read(QueryParams(query)) == value


@pytest.mark.parametrize(
    ("parameter", "query", "rule"),
    [
        (EVERY, "every=1", "every: must be a whole number from 2 to 30, not '1'"),
        (EVERY, "every=31", "every: must be a whole number from 2 to 30, not '31'"),
        (MAYBE, "maybe=", "maybe: must be a whole number from 2 to 30, not ''"),
        (IS, "is=", "is: must be true or false, not ''"),
        (IS, "is=True", "is: must be true or false, not 'True'"),
    ],
)
def test_what_breaks_the_rule_is_refused_by_it(parameter: Parameter[Any], query: str, rule: str) -> None:
    with pytest.raises(HTTPException) as refused:
        parameter.read(QueryParams(query))

    assert (refused.value.status_code, refused.value.detail) == (400, rule)


def test_an_endpoint_has_only_what_its_operation_lists() -> None:
    request = Request({"type": "http", "query_string": b"name=acme&is=true", "headers": []})
    read_parameters(request, [NAME])

    assert NAME.of(request) == "acme"
    with pytest.raises(KeyError):
        IS.of(request)
