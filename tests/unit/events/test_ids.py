"""An id that we give is a UUID of version 7: its time is now, and no two are equal."""

import time
from uuid import RFC_4122, UUID

from cobalt_mirror.events.ids import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    id_ = UUID(new_id())

    assert (id_.version, id_.variant) == (7, RFC_4122)


def test_an_id_begins_with_the_time_in_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = UUID(new_id()).int >> 80

    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_no_two_ids_are_equal() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000
