"""How many messages a relay may send, and how many of them for work that failed before."""

import pytest

from cobalt_mirror.db.due import UnderWay
from cobalt_mirror.workers.relay import Room, find_room

#: What is under way, of 40 messages at most and with 8 threads, and what may be sent.
ROWS = [
    pytest.param(0, 0, 40, 2, id="nothing is under way: a quarter of the threads"),
    pytest.param(1, 1, 39, 1, id="one retry is under way"),
    pytest.param(2, 2, 38, 0, id="as many retries as may be"),
    pytest.param(3, 3, 37, -1, id="more than may be, for there were more threads before"),
    pytest.param(35, 0, 5, 2, id="just more than a tenth is free"),
    pytest.param(36, 0, 0, 0, id="a tenth is free"),
    pytest.param(40, 2, 0, 0, id="nothing is free"),
    pytest.param(50, 2, 0, 0, id="more is under way than may be"),
]


@pytest.mark.parametrize(("accounts", "retries", "room", "room_for_retries"), ROWS)
def test_retries_have_a_quarter_of_the_threads(accounts: int, retries: int, room: int, room_for_retries: int) -> None:
    under_way = UnderWay(accounts=accounts, retries=retries)

    assert find_room(under_way, most=40, threads=8) == Room(accounts=room, retries=room_for_retries)


@pytest.mark.parametrize(
    ("threads", "expected"), [(1, 1), (3, 1), (4, 1), (7, 1), (8, 2), (11, 2), (12, 3), (400, 100)]
)
def test_one_message_at_least_may_be_a_retry(threads: int, expected: int) -> None:
    assert find_room(UnderWay(accounts=0, retries=0), most=1_000, threads=threads).retries == expected
