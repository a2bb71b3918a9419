"""Our settings in a Django project: those in its settings module, and else the variables of the process."""

import functools
import os

from django.conf import settings

from cobalt_mirror.db.settings import MirrorSettings

#: What publishing and reading need. Django's settings module may have them under the same names.
NAMES = tuple(name.upper() for name in MirrorSettings.model_fields)


def read_variables() -> dict[str, str]:
    """Return the variables of the process, with what Django's settings module has in their place."""
    return {**os.environ, **_of_module()}


def read_settings() -> MirrorSettings:
    """Return the settings in force. The variables of the process are read once: every `publish` asks.

    Raises:
        BadSetting: one has a value that cannot be used.
    """
    of_module = _of_module()
    if all(isinstance(value, str) for value in of_module.values()):
        return _read(tuple(of_module.items()))
    return MirrorSettings.from_variables(of_module)  # which says what is wrong with it


@functools.cache
def _read(of_module: tuple[tuple[str, str], ...]) -> MirrorSettings:
    return MirrorSettings.from_variables({**os.environ, **dict(of_module)})


def find_contradictions() -> list[str]:
    """Return the names of the settings that have one value in the settings module and another as a variable."""
    return [name for name, value in _of_module().items() if os.environ.get(name) not in (None, "", value)]


def _of_module() -> dict[str, str]:
    return {name: value for name in NAMES if (value := getattr(settings, name, None))}
