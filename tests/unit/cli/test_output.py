import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.workers.terminal.output import print_line, to_json
from cobalt_mirror.workers.terminal.words import cell, duration


@dataclass
class Row:
    """Stands for what a command prints."""

    payload: Any
    at: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_a_terminal_would_obey_shows_as_a_dot() -> None:
    assert cell("Acme\x1b[2J\nLtd") == "Acme·[2J·Ltd"


def test_values_read_as_text() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert [cell(None), cell(moment), cell({"a": "ü"})] == ["", "2026-01-31 12:00:00Z", '{"a": "ü"}']


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 d")]
)
def test_a_length_of_time_reads_in_its_largest_unit(seconds: float, shown: str) -> None:
    assert duration(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("ü", "ü"),
        ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\U0001f600"),
        ("a\ud800", "a\ufffd"),
        ("\udfff", "\ufffd"),
        ("\0", "\ufffd"),
        ({"\ud800": ["\ud800"]}, {"\ufffd": ["\ufffd"]}),
        ((1.5, math.nan, math.inf, -math.inf), [1.5, None, None, None]),
        (b"a\xff", "a\ufffd"),
    ],
    ids=["text", "pair", "first half", "second half", "nul", "nested", "numbers", "bytes"],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_can_be_read_by_any_program(value: Any, plain: Any, indent: int | None) -> None:
    for whole, expected in ((value, plain), (Row(value), {"payload": plain, "at": "2026-01-31T12:00:00+00:00"})):
        printed = to_json([whole], indent=indent)
        assert json.loads(printed.encode(), parse_constant=pytest.fail) == [expected]
        assert ("\n" in printed) == (indent is not None)


def test_a_long_label_has_a_space_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("last response", "200")
    print_line("status", "done")
    print_line("", "taken", indent=0)

    assert capsys.readouterr().out == "last response 200\nstatus       done\ntaken\n"
