"""The forms in which our processes log."""

from enum import StrEnum


class LogFormat(StrEnum):
    """In which form lines are written."""

    #: Readable on a terminal, JSON anywhere else.
    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"
