"""What is not as it must be ends a process at start, with one sentence that says what and how to mend it."""

import pytest

from tests.commands import Ended, Shell

NOBODY = "127.0.0.1:1"
PROCESSES = ("worker", "relay")
READERS = (["status"], ["show", "acme"], ["publish", "user_signed_up", "acme"], ["publish", "--ndjson", "-"])


def sentence(ended: Ended) -> str:
    """The one line that the command said."""
    assert ended.status == 1, ended
    assert ended.output == ""
    assert len(ended.errors.splitlines()) == 1, ended.errors
    assert ended.errors.startswith("cobalt-mirror: ")
    return ended.errors.removeprefix("cobalt-mirror: ").rstrip()


@pytest.mark.parametrize("command", [["migrate"], ["worker"], ["relay"], *READERS])
def test_without_a_database(shell: Shell, command: list[str]) -> None:
    ended = shell.run(
        *command,
        DATABASE_URL=f"postgresql://us:secret@{NOBODY}/mirror",
        REDIS_URL=f"redis://{NOBODY}",
        COBALT_API_KEY="tk_sandbox",
    )

    said = sentence(ended)
    assert said.startswith("no database answers at postgresql")
    assert said.endswith("start it or correct DATABASE_URL")
    assert "secret" not in said


@pytest.mark.parametrize("command", [["worker"], ["relay"], ["web"], ["reconcile", "--dry-run"], *READERS])
def test_without_settings_the_default_is_named_and_nothing_is_created(shell: Shell, command: list[str]) -> None:
    ended = shell.run(*command, REDIS_URL=f"redis://{NOBODY}", COBALT_API_KEY="tk_sandbox")

    assert sentence(ended) == (
        "the database at sqlite:///var/mirror.db (the default: DATABASE_URL is not set) does not exist; "
        "run `cobalt-mirror migrate` or correct DATABASE_URL"
    )
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize("command", READERS)
def test_a_file_that_does_not_exist_is_named_and_not_created(shell: Shell, command: list[str]) -> None:
    ended = shell.run(*command, DATABASE_URL="sqlite:///typo.db")

    assert sentence(ended) == (
        "the database at sqlite:///typo.db does not exist; run `cobalt-mirror migrate` or correct DATABASE_URL"
    )
    assert list(shell.folder.iterdir()) == []


def test_with_a_database_that_is_not_migrated(shell: Shell) -> None:
    (shell.folder / "empty.db").touch()

    assert sentence(shell.run("status", DATABASE_URL="sqlite:///empty.db")) == (
        "the database at sqlite:///empty.db has no tables of the mirror; run `cobalt-mirror migrate`"
    )


@pytest.mark.parametrize("command", PROCESSES)
def test_without_a_redis(mirror: Shell, command: str) -> None:
    ended = mirror.run(command, REDIS_URL=f"redis://us:secret@{NOBODY}/0", COBALT_API_KEY="tk_sandbox")

    said = sentence(ended)
    assert said.startswith(f"no Redis answers at redis://{NOBODY}/0 (")
    assert said.endswith("; start it or correct REDIS_URL")


@pytest.mark.parametrize("command", [*PROCESSES, "web", "status"])
def test_with_an_option_that_redis_does_not_take(mirror: Shell, command: str) -> None:
    ended = mirror.run(command, REDIS_URL=f"redis://us:secret@{NOBODY}/0?family=0", COBALT_API_KEY="tk_sandbox")

    assert sentence(ended) == (
        "REDIS_URL: must have only options that the Redis client redis-py knows, with values that it takes; "
        "correct or remove family"
    )


@pytest.mark.parametrize("command", PROCESSES)
def test_with_no_address_of_a_redis(mirror: Shell, command: str) -> None:
    ended = mirror.run(command, COBALT_API_KEY="tk_sandbox")

    assert sentence(ended) == (
        "REDIS_URL is not set; set it, or use `cobalt-mirror up`, which starts a Redis of its own"
    )


def test_a_worker_without_a_key(mirror: Shell, redis_url: str) -> None:
    ended = mirror.run("worker", REDIS_URL=redis_url)

    assert sentence(ended) == "COBALT_API_KEY is not set; set it to your key (for the sandbox: tk_sandbox)"


def test_up_without_a_key(shell: Shell) -> None:
    assert sentence(shell.run("up")) == (
        "COBALT_API_KEY is not set; set it to your key, or use `cobalt-mirror up --sandbox`"
    )
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value", "wants"),
    [
        ("DATABASE_URL", "mysql://host/mirror", "must begin with postgresql:// or sqlite://"),
        ("REDIS_URL", "localhost:6379", "must be a URL such as redis://"),
        ("COBALT_BASE_URL", "app.refold.ai", "must be a URL such as"),
        ("COBALT_API_KEY", "tk two words", "must be printable ASCII without spaces"),
        ("MIRROR_SCHEMA", "No Schema", "must be 1 to 63 lower-case letters"),
        ("MIRROR_SECRET_KEYS", "short", "is not a Fernet key"),
        ("WORKER_THREADS", "none", "valid integer"),
    ],
)
@pytest.mark.parametrize("command", ["worker", "status"])
def test_with_a_bad_setting(mirror: Shell, command: str, variable: str, value: str, wants: str) -> None:
    said = sentence(mirror.run(command, **{variable: value}))

    assert said.startswith(f"{variable}: ")
    assert wants in said


def test_a_file_that_is_no_database(shell: Shell) -> None:
    (shell.folder / "letter.txt").write_text("Dear reader, " * 100)

    said = sentence(shell.run("status", DATABASE_URL="sqlite:///letter.txt"))

    assert "file is not a database" in said
