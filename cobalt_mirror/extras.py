"""The libraries that only some of us need: the extras with which they are installed."""


def describe_missing(error: ModuleNotFoundError, extra: str) -> str | None:
    """Return a sentence that says which extra brings a library that is not installed; None for a module of ours."""
    library = (error.name or "").partition(".")[0]
    if library in {"", "cobalt_mirror"}:
        return None
    return f"{library} is not installed; run `pip install 'cobalt-mirror[{extra}]'`"
