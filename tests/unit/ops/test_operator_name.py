"""Who acts is recorded by a name that says something."""

import pytest

from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.ops.operator_name import find_operator


def test_the_name_that_is_given_is_taken() -> None:
    assert find_operator("ann") == "ann"
    assert find_operator(None)


@pytest.mark.parametrize("by", ["", " ", "\t"])
def test_a_blank_name_is_refused(by: str) -> None:
    with pytest.raises(NotReady, match=r"^--by must not be blank"):
        find_operator(by)
