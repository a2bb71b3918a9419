"""The command line, `cobalt-mirror`: its entry point, and one sentence for every error."""

import io
import os
import sys
import traceback


def main() -> None:
    """Run one command. An error prints one sentence and exits with 1; the traceback of a bug is for LOG_LEVEL=debug."""
    # httpx has a command of its own, loads three libraries for it, and goes on without it.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    _make_writable()
    try:
        from cobalt_mirror.workers.cli.app import app  # noqa: PLC0415 - an app that only publishes has no typer

        app(prog_name="cobalt-mirror")
    except Exception as error:
        print(f"cobalt-mirror: {_describe(error)}", file=sys.stderr)  # noqa: T201 - there may be no typer
        sys.exit(1)


def _make_writable() -> None:
    """Let standard output and errors take every text: also in an encoding without its characters, or if closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed, as with `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _describe(error: Exception) -> str:
    # Only now, so that no command waits for what describes its failure.
    from cobalt_mirror.extras import describe_missing  # noqa: PLC0415

    if isinstance(error, ModuleNotFoundError) and (missing := describe_missing(error, "workers")) is not None:
        return missing
    from cobalt_mirror.workers.ops.readiness import find_newer_schema  # noqa: PLC0415
    from cobalt_mirror.workers.terminal.failures import describe, is_expected  # noqa: PLC0415

    if not is_expected(error) and os.environ.get("LOG_LEVEL", "").strip().lower() == "debug":
        traceback.print_exception(error)
    return describe(error, newer_schema=find_newer_schema(error))
