"""What an operator reads of one customer: the verdict first, then what happened."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.commands import Shell
from tests.integration.cli.rows import NOW, add_event, add_receipt


@pytest.mark.usefixtures("customer")
def test_the_first_line_is_the_verdict_and_the_rest_is_what_happened(mirror: Shell) -> None:
    ended = mirror.run("explain", "acme")

    assert (ended.status, ended.errors) == (0, "")
    verdict, *lines = ended.output.splitlines()
    assert verdict.startswith("waiting since ")
    assert "next: an attempt at user_signed_up 2" in verdict
    assert [line for line in lines if "mirror (slack): config acme" in line]
    assert lines[-1].endswith("waits: user_signed_up 2 waits, 3 failed attempts: Cobalt is away")
