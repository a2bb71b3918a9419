"""The folder of a worker's numbers: empty at the start, gone at the end, and never somebody else's."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.telemetry.folder import VARIABLE, make_empty_folder, remove_folder


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_what_a_killed_run_left_is_gone_at_the_next_start() -> None:
    folder = make_empty_folder(9000)
    (folder / "counter_1.db").write_text("left")

    assert make_empty_folder(9000) == folder
    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_two_ports_have_two_folders() -> None:
    first = make_empty_folder(9000)
    (first / "counter_1.db").write_text("in use")

    assert make_empty_folder(9001) != first
    assert len(list(first.iterdir())) == 1


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_folder_of_ours_is_neither_followed_nor_removed(tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("kept")
    place = make_empty_folder(9000)
    place.rmdir()
    place.symlink_to(other) if kind == "link" else place.write_text("a file")

    with pytest.raises(NotReady, match=r"cannot be made at .*File exists.*remove what is there, or set TMPDIR"):
        make_empty_folder(9000)

    assert (other / "precious").exists()
    assert place.exists()


def test_only_a_folder_of_ours_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, hosts = make_empty_folder(9000), tmp_path / "of-the-host"
    hosts.mkdir()
    for value in ("", str(hosts), os.devnull):
        monkeypatch.setenv(VARIABLE, value)
        remove_folder()
    assert (ours.exists(), hosts.exists()) == (True, True)

    monkeypatch.setenv(VARIABLE, str(ours))
    remove_folder()
    remove_folder()

    assert (ours.exists(), hosts.exists()) == (False, True)
