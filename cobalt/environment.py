"""The two environments of an organisation at Cobalt, and how an API key tells them apart."""

from enum import StrEnum
from typing import Self


class Environment(StrEnum):
    """The environment of an account; the API key decides it."""

    TEST = "test"
    PRODUCTION = "production"

    @classmethod
    def of_key(cls, api_key: str) -> Self | None:
        """Return the environment of a key: `tk...` is of test, `pk...` of production; None for any other key."""
        return {"tk": cls.TEST, "pk": cls.PRODUCTION}.get(api_key[:2])
