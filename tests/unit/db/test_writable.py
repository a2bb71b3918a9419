"""Why a database takes no writes; tests/integration/trouble fills one and makes one read-only."""

import pytest

from cobalt_mirror.db.writable import judge_mode


@pytest.mark.parametrize(
    ("is_replica", "is_set", "beginning"),
    [
        (False, False, None),
        (True, True, "the database is a replica, which takes no writes; set DATABASE_URL"),
        (False, True, "the database is read-only"),
    ],
)
def test_a_replica_and_a_read_only_database_have_their_remedies(
    is_replica: bool, is_set: bool, beginning: str | None
) -> None:
    failure = judge_mode(is_replica=is_replica, is_set=is_set)

    assert (failure is None) is (beginning is None)
    assert failure is None or failure.startswith(str(beginning))
