"""The arguments of an event by name, so that errors name the field."""

from dataclasses import fields
from typing import Any

from pydantic_core import ArgsKwargs


def field_names(kind: type[Any]) -> set[str]:
    """Return the names of the fields of an event type."""
    return {item.name for item in fields(kind)}


def named_arguments(kind: type[Any], arguments: Any) -> Any:
    """Return positional arguments as named ones, because pydantic's errors call a positional one by its number."""
    if not isinstance(arguments, ArgsKwargs):
        return arguments
    keywords = arguments.kwargs or {}
    if not arguments.args:
        return arguments
    positional = [item.name for item in fields(kind) if item.init and not item.kw_only]
    if len(arguments.args) > len(positional) or keywords.keys() & positional[: len(arguments.args)]:
        return arguments  # pydantic says what is wrong with it
    return ArgsKwargs((), {**dict(zip(positional, arguments.args, strict=False)), **keywords})
