"""The supervisor with real processes, and what is left of them when it ends, however it ends."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cobalt_mirror.workers.errors import CommandFailed, ProcfileError
from cobalt_mirror.workers.local.procfile import find_procfile
from cobalt_mirror.workers.local.supervisor import Backoff, Supervisor
from tests.waiting import is_running, wait_until

QUICK = Backoff(first=timedelta(milliseconds=10), longest=timedelta(seconds=5))

# Starts a child of its own, as dramatiq's master does, writes both ids to the file it is given, and waits.
FAMILY = """
import os, sys, time
from pathlib import Path

child = os.fork()
if child:
    Path(sys.argv[1]).write_text(f"{os.getpid()} {child}\\n")
while True:
    time.sleep(60)
"""

STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FAMILY

# A supervisor to be killed from outside. It ends in good order on Ctrl-C.
SUPERVISOR = """
import os, sys
from datetime import timedelta
from pathlib import Path
from cobalt_mirror.workers.local.supervisor import Supervisor

with Supervisor(Path(sys.argv[1]), environment=os.environ, grace=timedelta(seconds=0.5)) as processes:
    processes.start()
    try:
        processes.wait()
    except KeyboardInterrupt:
        pass
"""

# A dramatiq worker that needs no broker of ours.
ACTORS = """
import dramatiq
from dramatiq.brokers.stub import StubBroker

dramatiq.set_broker(StubBroker())
"""


class Place:
    """A folder with a Procfile whose commands run small Python programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.procfile = folder / "Procfile"
        self.output = io.StringIO()

    def add(self, name: str, program: str, *arguments: str) -> None:
        (self.folder / f"{name}.py").write_text(program)
        self.add_command(name, " ".join(["python", f"{self.folder / name}.py", *arguments]))

    def add_command(self, name: str, command: str) -> None:
        with self.procfile.open("a") as procfile:
            procfile.write(f"{name}: {command}\n")

    def processes(self, *, names: list[str] | None = None, grace: timedelta = timedelta(seconds=20)) -> Supervisor:
        return Supervisor(
            self.procfile, environment=os.environ, names=names, output=self.output, grace=grace, backoff=QUICK
        )

    def path(self, name: str) -> Path:
        return self.folder / name

    def pids(self, name: str) -> list[int]:
        """The ids that a program wrote; empty as long as it did not."""
        file = self.path(name)
        return [int(word) for word in file.read_text().split()] if file.exists() else []

    def said(self, text: str) -> Callable[[], bool]:
        return lambda: text in self.output.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def all_gone(pids: list[int]) -> bool:
    return not any(map(is_running, pids))


def test_each_line_of_output_comes_after_the_name_of_its_process(place: Place) -> None:
    place.add("relay", "import sys, time; print('ready'); print('oops', file=sys.stderr); time.sleep(60)")
    with place.processes() as processes:
        processes.start()
        wait_until(place.said("oops"))

    assert place.output.getvalue() == "relay   | ready\nrelay   | oops\n"


def test_a_process_that_ends_is_started_again_later_and_later(place: Place) -> None:
    place.add_command("web", "sh -c 'exit 3'")
    with place.processes() as processes:
        processes.start()
        wait_until(place.said("0.04 s"))

    assert place.output.getvalue().splitlines()[:3] == [
        f"web     | ended with status 3; restarting in {delay} s" for delay in (0.01, 0.02, 0.04)
    ]


def test_a_killed_process_is_said_to_be_killed_and_what_it_left_goes_before_the_next_start(place: Place) -> None:
    place.add("worker", FAMILY, str(place.path("family")))
    with place.processes() as processes:
        processes.start()
        wait_until(lambda: place.pids("family"))
        first = place.pids("family")
        os.kill(processes.pids["worker"], signal.SIGKILL)
        wait_until(lambda: place.pids("family")[:1] not in ([], first[:1]))

        assert all_gone(first)
        assert place.said("was ended by SIGKILL; restarting")()


def test_stopping_lets_a_process_finish_what_is_in_hand(place: Place) -> None:
    place.add_command(
        "worker",
        f"sh -c 'trap \"sleep 0.3; echo finished > {place.path('work')}; exit\" TERM; echo up; sleep 60 & wait'",
    )
    with place.processes() as processes:
        processes.start()
        wait_until(place.said("up"))

    assert place.path("work").read_text() == "finished\n"
    assert processes.pids == {}


def test_a_process_that_does_not_end_in_time_is_killed_with_its_children(place: Place) -> None:
    place.add("worker", STUBBORN, str(place.path("family")))
    with place.processes(grace=timedelta(seconds=0.2)) as processes:
        processes.start()
        wait_until(lambda: place.pids("family"))

    assert all_gone(place.pids("family"))


def test_nothing_is_started_again_after_stop(place: Place) -> None:
    place.add("web", f"open({str(place.path('starts'))!r}, 'a').write('x')")
    with place.processes() as processes:
        processes.start()
        wait_until(place.path("starts").exists)
        processes.stop()
        starts = place.path("starts").read_text()
        processes.stop()
        processes.wait()

    assert place.path("starts").read_text() == starts
    assert processes.pids == {}


def test_an_error_in_the_block_leaves_nothing_running(place: Place) -> None:
    place.add("worker", FAMILY, str(place.path("family")))

    def fail_while_running() -> None:
        with place.processes() as processes:
            processes.start()
            wait_until(lambda: place.pids("family"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_running()
    assert all_gone(place.pids("family"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [FAMILY, STUBBORN], ids=["obedient", "stubborn"])
def test_nothing_outlives_the_supervisor_however_it_ends(place: Place, program: str, number: signal.Signals) -> None:
    place.add("worker", program, str(place.path("worker")))
    place.add("relay", program, str(place.path("relay")))
    command = [sys.executable, "-c", SUPERVISOR, str(place.procfile)]
    with subprocess.Popen(command, start_new_session=True) as supervisor:
        wait_until(lambda: place.pids("worker") and place.pids("relay"))
        os.killpg(supervisor.pid, number)
        supervisor.wait(timeout=20)

    wait_until(lambda: all_gone([*place.pids("worker"), *place.pids("relay")]))
    assert supervisor.returncode == (0 if number == signal.SIGINT else -number)


def test_a_dramatiq_master_and_its_workers_end_with_a_killed_supervisor(place: Place) -> None:
    place.path("actors.py").write_text(ACTORS)
    place.add_command("worker", f"dramatiq actors --path {place.folder} --processes 2 --threads 1")
    command = [sys.executable, "-c", SUPERVISOR, str(place.procfile)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as supervisor:
        assert supervisor.stdout is not None
        ready = next(line for line in supervisor.stdout if "is ready for action" in line)
        group = os.getpgid(int(ready.partition("[PID ")[2].partition("]")[0]))
        members = members_of(group)
        assert len(members) >= 3
        supervisor.kill()

    wait_until(lambda: all_gone(members))


def members_of(group: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if is_running(pid) and os.getpgid(pid) == group]


def test_the_first_command_runs_to_its_end_before_the_processes(place: Place) -> None:
    place.add("relay", "print('relaying'); import time; time.sleep(60)")
    with place.processes() as processes:
        processes.run_first("echo migrated")
        assert place.output.getvalue() == "migrate | migrated\n"
        processes.start()
        wait_until(place.said("relaying"))
        assert list(processes.pids) == ["relay"]


def test_every_line_of_our_own_procfile_is_run() -> None:
    with Supervisor(find_procfile(), environment={"PATH": ""}, output=io.StringIO(), backoff=QUICK) as processes:
        assert processes.names == ("worker", "relay", "web")


def test_a_first_command_that_fails_is_named(place: Place) -> None:
    place.add("relay", "")
    with place.processes() as processes, pytest.raises(CommandFailed, match=r"`ls /nowhere` ended with status 2"):
        processes.run_first("ls /nowhere")

    assert "migrate | ls: " in place.output.getvalue()


def test_only_the_named_processes_run(place: Place) -> None:
    place.add("relay", "import time; time.sleep(60)")
    place.add("worker", "import time; time.sleep(60)")
    with place.processes(names=["worker"]) as processes:
        processes.start()
        wait_until(lambda: processes.pids)
        assert list(processes.pids) == ["worker"]

    with pytest.raises(ProcfileError, match="has no process 'web', only: relay, worker"):
        place.processes(names=["web"])


def test_commands_see_the_given_environment_and_find_our_own_commands_first(place: Place) -> None:
    place.add("relay", "")
    environment = {"COLOUR": "blue", "PATH": "/usr/bin:/bin"}
    with Supervisor(place.procfile, environment=environment, output=place.output) as processes:
        processes.run_first("sh -c 'echo $COLOUR; command -v cobalt-mirror; echo ${HOME:-homeless}'")

    ours = Path(sys.executable).parent / "cobalt-mirror"
    assert place.output.getvalue() == f"migrate | blue\nmigrate | {ours}\nmigrate | homeless\n"


def test_output_that_nobody_takes_does_not_stop_a_process(place: Place) -> None:
    place.add("relay", f"print('x' * 1_000_000); open({str(place.path('end'))!r}, 'w')")
    place.output.close()
    with place.processes() as processes:
        processes.run_first(f"python {place.folder / 'relay.py'}")

    assert place.path("end").exists()
