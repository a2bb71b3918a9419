import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import __main__ as frame
from benchmarks.figures import Benchmark, Figure, at_least, at_most
from benchmarks.place import EITHER, POSTGRESQL, SQLITE, Say
from benchmarks.report import Report


def figure(name: str, value: float, database: str = POSTGRESQL) -> Figure:
    return Figure(name=name, database=database, value=value, unit="x", **at_most(1.5, value, database))


def benchmark(*figures: Figure) -> Benchmark:
    def measure(say: Say) -> Iterator[Figure]:
        say("measuring")
        yield from figures

    return measure


def breaks(_say: Say) -> Iterator[Figure]:
    yield figure("found before", 1)
    raise RuntimeError("the machine is on fire")


KNOWN: Mapping[str, Mapping[str, Benchmark]] = {
    "good": {POSTGRESQL: benchmark(figure("good", 1.2)), SQLITE: benchmark(figure("good", 9, SQLITE))},
    "bad": {POSTGRESQL: benchmark(figure("bad", 1.6), figure("fine", 1.0))},
    "plain": {EITHER: benchmark(Figure(name="reported", value=3, unit="/s", detail={"raw": [1, 2]}))},
    "breaks": {EITHER: breaks},
}


def run(folder: Path, *names: str, databases: tuple[str, ...] = ()) -> Report:
    return frame.run(frame.choose(KNOWN, names, databases), folder, machine={"cores": 2})


def stored(folder: Path) -> Report:
    (file,) = folder.glob("*.json")
    return Report.load(file)


def test_a_bar_that_does_not_hold_makes_the_command_fail(tmp_path: Path) -> None:
    assert frame.show(run(tmp_path / "good", "good")) == 0
    assert frame.show(run(tmp_path / "bad", "good", "bad")) == 1


def test_bars_are_for_postgresql(tmp_path: Path) -> None:
    report = run(tmp_path, "good", databases=("sqlite",))

    assert [(one.value, one.holds) for one in report.figures] == [(9, None)]
    assert at_least(10, 9, SQLITE)["holds"] is None
    assert at_least(10, 9, POSTGRESQL)["holds"] is False


def test_the_file_holds_every_figure_and_the_machine(tmp_path: Path) -> None:
    report = run(tmp_path, "good", "bad", "plain")

    assert [one.name for one in report.figures] == ["good", "good", "bad", "fine", "reported"]
    assert stored(tmp_path) == report
    assert report.is_whole
    assert report.machine["cores"] == 2


def test_a_benchmark_that_breaks_leaves_what_was_found_before(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on fire"):
        run(tmp_path, "good", "breaks", databases=("postgresql",))

    assert [one.name for one in stored(tmp_path).figures] == ["good", "found before"]
    assert not stored(tmp_path).is_whole


def test_benchmarks_are_chosen_by_name_and_database() -> None:
    assert list(frame.choose(KNOWN, ["Good"], ["SQLite"])) == ["good on SQLite"]
    assert list(frame.choose(KNOWN, ["plain", "bad"], ["postgresql"])) == ["plain", "bad on PostgreSQL"]


@pytest.mark.parametrize(
    ("names", "databases", "complaint"),
    [
        (["god"], [], "no benchmark 'god'; use one of: good, bad, plain, breaks"),
        ([], ["oracle"], "no database 'oracle'; use one of: PostgreSQL, SQLite"),
        (["bad"], ["sqlite"], "bad: does not run on SQLite"),
    ],
)
def test_what_cannot_be_run_is_said(names: list[str], databases: list[str], complaint: str) -> None:
    with pytest.raises(typer.BadParameter, match=re.escape(complaint)):
        frame.choose(KNOWN, names, databases)


def test_the_command_says_so_too() -> None:
    result = CliRunner().invoke(frame.app, ["god"])

    assert result.exit_code == 2
    assert "no benchmark 'god'" in " ".join(result.output.split())


def test_markdown_has_date_machine_and_what_figures_were_computed_from(tmp_path: Path) -> None:
    page = run(tmp_path, "plain", "bad").as_markdown()

    assert re.match(r"Measured on \d{4}-\d\d-\d\d on cores 2, load after ", page)
    assert "| bad | PostgreSQL | 1.6 x |  | at most 1.5 | NO |" in page
    assert "- reported: raw [1, 2]" in page


def test_an_earlier_run_is_shown_again(tmp_path: Path) -> None:
    run(tmp_path, "good", "bad")
    (file,) = tmp_path.glob("*.json")

    result = CliRunner().invoke(frame.app, ["--of", str(file), "--markdown"])

    assert "| bad | PostgreSQL | 1.6 x |" in result.output
    assert result.exit_code == 1
