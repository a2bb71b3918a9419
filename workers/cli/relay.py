"""`cobalt-mirror relay`: send the workers a message for each account with due work."""


def relay() -> None:
    """Send the workers a message for each account with due work.

    Runs until SIGTERM or Ctrl-C. Several relays may run at once.

    \b
    Example:
      REDIS_URL=redis://localhost:6379/0 cobalt-mirror relay
    """
    from cobalt_mirror.workers.relaying import run_relay  # noqa: PLC0415 - `--help` does not wait for it

    run_relay()
