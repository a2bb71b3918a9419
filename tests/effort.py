"""How hard property tests try: so that a commit does not wait long for CI, or for as long as `make fuzz` is told to."""

import os

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

#: Examples that `make fuzz` tries with each property.
FUZZ_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10000"))


def register_profiles() -> None:
    """Know the profiles `ci` (the same examples every time) and `fuzz` (others every time), and begin with `ci`."""
    settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
    settings.register_profile(
        "fuzz",
        settings.get_profile("ci"),
        max_examples=FUZZ_EXAMPLES,
        derandomize=False,
        database=DirectoryBasedExampleDatabase(".hypothesis/examples"),  # which `derandomize` had switched off
    )
    settings.load_profile("ci")


def tries(in_ci: int) -> int:
    """How many examples a property wants that has a number of its own in CI."""
    return in_ci if settings.get_current_profile_name() == "ci" else settings().max_examples
