"""The libraries that only some of us need: the extras with which they are installed."""


def describe_missing(error: ModuleNotFoundError, extra: str) -> str:
    """Return a sentence that says which extra brings a library that is not installed.

    Raises:
        ModuleNotFoundError: The missing module is one of ours, which no extra brings.
    """
    library = (error.name or "").partition(".")[0]
    if library in {"", "cobalt_mirror"}:
        raise error
    return f"{library} is not installed; run `pip install 'cobalt-mirror[{extra}]'`"
