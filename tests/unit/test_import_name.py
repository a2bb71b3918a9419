"""`cobalt_mirror` is the one name that a host imports; it loads what is asked for and no more."""

import subprocess
import sys

import pytest

import cobalt_mirror

LOADED = "print(*sorted(sys.modules))"
READS_AND_PUBLISHES = f"import sys; from cobalt_mirror import UserSignedUp, integrations, publish; {LOADED}"


def modules_after(program: str) -> set[str]:
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


@pytest.mark.parametrize("name", cobalt_mirror.__all__)
def test_every_name_of_the_door_is_behind_it(name: str) -> None:
    value = getattr(cobalt_mirror, name)

    assert value.__name__ == name
    assert value.__module__.startswith("cobalt_mirror.")
    assert name in dir(cobalt_mirror)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'cobalt_mirror' has no attribute 'publsh'"):
        cobalt_mirror.publsh  # noqa: B018 - looking it up is what fails


def test_publishing_and_reading_load_no_queue_and_no_client() -> None:
    loaded = modules_after(READS_AND_PUBLISHES)

    assert "cobalt_mirror.events.publish" in loaded
    assert (
        not {"redis", "django", "dramatiq", "httpx", "alembic", "cobalt_mirror.cobalt", "cobalt_mirror.workers"}
        & loaded
    )


def test_what_a_host_s_process_examines_needs_no_extra() -> None:
    loaded = modules_after(f"import sys, cobalt_mirror.workers.ops.doctor.host; {LOADED}")

    assert not {"alembic", "django", "dramatiq", "httpx", "redis", "rich", "starlette", "structlog", "typer"} & loaded


def test_the_door_alone_loads_nothing() -> None:
    assert not {"sqlalchemy", "pydantic"} & modules_after(f"import sys, cobalt_mirror; {LOADED}")


def test_the_page_to_mount_loads_nothing_that_only_our_processes_need() -> None:
    loaded = modules_after(f"import sys, cobalt_mirror.web; {LOADED}")

    assert "cobalt_mirror.workers.web.page.app" in loaded
    assert not {"alembic", "dramatiq", "prometheus_client", "psycopg", "typer", "uvicorn"} & loaded


def test_the_page_to_mount_names_its_extra_if_a_library_is_missing() -> None:
    program = """import sys
sys.modules["jinja2"] = None
try:
    import cobalt_mirror.web
except ImportError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == ("cobalt_mirror.web: jinja2 is not installed; run `pip install 'cobalt-mirror[page]'`\n")


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [
        ("create_app", "structlog", "page"),
        ("create_app", "redis", "page"),
        ("create_app", "starlette", "page"),
        ("governed_client", "redis", "client"),
        ("Client", "httpx", "client"),
    ],
)
def test_what_a_host_imports_names_the_extra_for_hosts_if_a_library_is_missing(
    name: str, library: str, extra: str
) -> None:
    program = f"""import sys
sys.modules["{library}"] = None
try:
    from cobalt_mirror import {name}
except ImportError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == f"{name}: {library} is not installed; run `pip install 'cobalt-mirror[{extra}]'`\n"


def test_our_web_application_loads_nothing_that_only_our_processes_need() -> None:
    loaded = modules_after(f"import sys; from cobalt_mirror import create_app; {LOADED}")

    assert "cobalt_mirror.workers.web" in loaded
    assert not {"alembic", "dramatiq", "psycopg", "typer", "uvicorn"} & loaded
