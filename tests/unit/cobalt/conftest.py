"""Fixtures of the client's tests."""

from tests.unit.cobalt.description import description

__all__ = ["description"]
