"""A command that is suggested for an id can be run as it is printed."""

import pytest

from cobalt_mirror.workers.ops.actions import describe_returned


@pytest.mark.parametrize(
    ("account", "command"),
    [
        ("acme", "publish user_deleted acme`"),
        ("a b", "publish user_deleted 'a b'`"),
        ("-dash", "publish user_deleted -- -dash`"),
    ],
)
def test_a_command_takes_an_id_as_it_is(account: str, command: str) -> None:
    assert command in (describe_returned(1, account) or "")
