from pathlib import Path

import pytest

from cobalt_mirror.workers.errors import ProcfileError
from cobalt_mirror.workers.local.procfile import find_procfile, read_procfile


def write(folder: Path, text: str) -> Path:
    procfile = folder / "Procfile"
    procfile.write_text(text)
    return procfile


def test_our_own_procfile_has_only_what_keeps_running() -> None:
    assert set(read_procfile(find_procfile())) == {"worker", "relay", "web"}


@pytest.mark.parametrize("app", ["fastapi", "django", "node"])
def test_an_example_runs_what_we_run_and_its_app(app: str) -> None:
    example = read_procfile(find_procfile().parent / "examples" / app / "Procfile")

    assert example.items() > read_procfile(find_procfile()).items()
    assert example.keys() - read_procfile(find_procfile()).keys() == {"app"}


def test_commands_are_read_by_name_in_the_order_of_their_lines(tmp_path: Path) -> None:
    procfile = write(tmp_path, "# how we run\n\nrelay: mirror relay\nworker:  dramatiq a:b -p ${N:-2}  \r\n")

    assert list(read_procfile(procfile).items()) == [("relay", "mirror relay"), ("worker", "dramatiq a:b -p ${N:-2}")]


@pytest.mark.parametrize("line", ["just words", "name:", ": command", "two words: command"])
def test_a_line_that_is_not_name_and_command_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(ProcfileError, match=r"Procfile, line 2: expected `name: command`"):
        read_procfile(write(tmp_path, f"web: serve\n{line}\n"))


def test_a_name_may_not_come_twice(tmp_path: Path) -> None:
    with pytest.raises(ProcfileError, match=r"line 2: 'web' is defined twice"):
        read_procfile(write(tmp_path, "web: serve\nweb: serve again\n"))


def test_a_missing_procfile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcfileError, match=r"cannot read .*Procfile: No such file"):
        read_procfile(tmp_path / "Procfile")
