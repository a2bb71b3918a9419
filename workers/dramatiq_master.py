"""The master process of a worker: dramatiq's, for which SIGHUP is another SIGTERM, as for our other processes.

dramatiq begins itself anew at a SIGHUP, without the options of this Python, so that a folder of the working directory
could hide ours; and it takes a second signal for "end at once".
"""

import os
import signal
import sys
from types import FrameType

from dramatiq import cli

from cobalt_mirror.workers.telemetry.folder import remove_folder


def main() -> int | None:
    """Run dramatiq's command line until it is told to stop."""
    # Its set of signals is no documented name. tests/integration/cli/test_group_signals.py fails when it goes.
    cli.HANDLED_SIGNALS.discard(signal.SIGHUP)
    signal.signal(signal.SIGHUP, _end)
    try:
        return cli.main()  # type: ignore[no-untyped-call,no-any-return]
    finally:
        remove_folder()


def _end(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
