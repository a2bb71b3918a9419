"""The command line, `cobalt-mirror`: its entry point, and one sentence for every expected error."""

import sys


def main() -> None:
    """Run one command. An expected error prints one sentence and exits with 1; a bug keeps its traceback."""
    try:
        from cobalt_mirror.workers.cli.app import app  # noqa: PLC0415 - an app that only publishes has no typer

        app(prog_name="cobalt-mirror")
    except ModuleNotFoundError as error:
        from cobalt_mirror.extras import describe_missing  # noqa: PLC0415

        sys.exit(_failed(describe_missing(error, "workers")))
    except Exception as error:
        # Only now, so that no command waits for the libraries whose errors these are.
        from cobalt_mirror.workers.terminal.failures import describe, is_expected  # noqa: PLC0415

        if not is_expected(error):
            raise
        sys.exit(_failed(describe(error)))


def _failed(sentence: str) -> int:
    print(f"cobalt-mirror: {sentence}", file=sys.stderr)  # noqa: T201 - there may be no typer
    return 1
