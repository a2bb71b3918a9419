"""The numbers in the README are those of the program."""

import inspect
import re

import pytest

from cobalt_mirror.workers.cli.demo import demo
from cobalt_mirror.workers.cli.values import SANDBOX_PORT
from cobalt_mirror.workers.settings import LONGEST_WAIT_SECONDS, Settings
from tests.acceptance.quick_demo import last_line
from tests.pages import README, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
#: For how many customers `make demo` runs.
CUSTOMERS = int(re.findall(r"^N \?= (\d+)$", MAKEFILE, flags=re.MULTILINE)[0])


@pytest.mark.timeout(600)  # a hundred customers
def test_the_demo_ends_with_the_line_that_the_readme_promises(sqlite_url: str) -> None:
    [command] = re.findall(r"cobalt-mirror demo (.*)", MAKEFILE)
    seed = inspect.signature(demo).parameters["seed"].default

    assert command == "--customers $(N)"
    assert f"```text\n{last_line(sqlite_url, customers=CUSTOMERS, seed=seed)}\n```" in README


def test_what_the_readme_says_in_numbers_is_so() -> None:
    assert f"`make demo` sends {CUSTOMERS} customers through the whole flow" in README
    assert set(re.findall(r"http://127.0.0.1:(\d+)", README)) == {str(SANDBOX_PORT)}
    assert f"Cobalt's {Settings.model_fields['cobalt_rate_per_second'].default} calls a second" in README
    assert (LONGEST_WAIT_SECONDS, "a call waits for at most two seconds" in README) == (2, True)
