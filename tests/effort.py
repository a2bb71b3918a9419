"""The number of examples of property tests: few in CI, as many as asked for in `make fuzz`."""

import os

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

#: Examples that `make fuzz` tries with each property.
FUZZ_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10000"))


def register_profiles() -> None:
    """Register the profiles `ci` (the same examples every time) and `fuzz` (others every time), and load `ci`."""
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
    """Return the number of examples for a property that has a number of its own in CI."""
    return in_ci if settings.get_current_profile_name() == "ci" else settings().max_examples


def timeout(seconds_in_ci: int) -> int:
    """Return the timeout for a module's properties, in seconds; 0 in `make fuzz`, where nobody knows: none."""
    return seconds_in_ci if settings.get_current_profile_name() == "ci" else 0
