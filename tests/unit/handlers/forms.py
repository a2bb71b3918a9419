"""Configs as Cobalt shows them, for tests of what is done with them."""

from typing import Any

from cobalt_mirror.cobalt import Config
from tests.unit.entries import ACCOUNT, SLUG

#: Stands for a value that the answer leaves out.
LEFT_OUT = object()


def field(id_: str, value: Any = LEFT_OUT, field_type: str = "text") -> dict[str, Any]:
    """One input of a form, as in an answer."""
    shown = {} if value is LEFT_OUT else {"value": value}
    return {"id": id_, "field_type": field_type, **shown}


def workflow(id_: str, *fields: dict[str, Any], enabled: bool = False) -> dict[str, Any]:
    """One workflow of a config, as in an answer."""
    return {"id": id_, "enabled": enabled, "fields": list(fields)}


def config(*fields: dict[str, Any], workflows: tuple[dict[str, Any], ...] = (), **more: Any) -> Config:
    """A config, read from an answer."""
    answer = {"slug": SLUG, "config_id": ACCOUNT, "fields": list(fields), "workflows": list(workflows), **more}
    return Config.model_validate(answer)
