"""What a person is told of an error of ours: its class and its first line, and no value that was in a statement."""

import pytest
from sqlalchemy.exc import IntegrityError, NoResultFound, StatementError

from cobalt_mirror.workers.handlers.failing import describe

_PARAMETERS = {"payload": "s3cret"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ValueError("the year is 20000"), "ValueError: the year is 20000", id="an error"),
        pytest.param(ValueError(), "ValueError", id="an error without words"),
        pytest.param(ValueError("first\nsecond"), "ValueError: first", id="the first line"),
        pytest.param(ValueError("x" * 1_000), f"ValueError: {'x' * 288}", id="no more than 300 characters"),
        pytest.param(
            IntegrityError("INSERT", _PARAMETERS, ValueError("history is full")),
            "ValueError: history is full",
            id="of SQL",
        ),
        pytest.param(
            StatementError("bad", "INSERT", _PARAMETERS, ValueError("x")), "StatementError", id="of SQLAlchemy"
        ),
        pytest.param(NoResultFound("No row"), "NoResultFound", id="another of SQLAlchemy"),
    ],
)
def test_an_error_is_described_without_values(error: Exception, expected: str) -> None:
    assert describe(error) == expected
