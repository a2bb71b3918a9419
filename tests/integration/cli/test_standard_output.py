"""Whatever standard output is, a command says what it has to say and ends as it would."""

import json
import os
import subprocess

import pytest

from tests.commands import COMMAND, Shell


def run_with(shell: Shell, redirection: str, *command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **shell.variables, **variables}
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh", str(COMMAND), *command]
    return subprocess.run(line, cwd=shell.folder, env=environment, capture_output=True, check=False)


def test_a_character_that_the_encoding_lacks_is_escaped(mirror: Shell) -> None:
    source, latin = "Ünï \U0001f600", {"PYTHONIOENCODING": "latin-1"}
    publish = ("publish", "user_signed_up", "acme", "--source", source)

    written = run_with(mirror, "", *publish, "--json", **latin).stdout.decode("latin-1")
    said = run_with(mirror, "", *publish, **latin).stdout.decode("latin-1")

    assert json.loads(written)["source"] == source
    assert said.endswith("from Ünï \\U0001f600\n")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_changes_nothing_of_the_exit_code(mirror: Shell, redirection: str) -> None:
    for command in (["status"], ["show", "nobody"], ["publish", "user_signed_up", "acme"]):
        expected, ended = run_with(mirror, "", *command), run_with(mirror, redirection, *command)

        assert ended.returncode == expected.returncode
        assert b"unexpected error" not in ended.stderr
