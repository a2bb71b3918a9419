"""Whether the process lives, and whether it can do its work."""

from pathlib import Path

from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import Endpoints
from tests.world import World

NOWHERE = "redis://127.0.0.1:1/0"


def endpoints_over(world: World, **options: str) -> Endpoints:
    return Endpoints(world, create_app(world.settings.model_copy(update=options), engine=world.engine))


def test_a_process_that_answers_lives(world: World) -> None:
    assert endpoints_over(world, redis_url=NOWHERE).request("GET", "/healthz").status_code == 200


def test_a_migrated_database_and_a_redis_that_answers_are_ready(world: World, redis_url: str) -> None:
    answer = endpoints_over(world, redis_url=redis_url).request("GET", "/readyz")

    assert (answer.status_code, answer.json()) == (200, {"database": "ready", "redis": "ready"})


def test_without_a_redis_in_the_settings_the_database_is_enough(world: World) -> None:
    answer = endpoints_over(world).request("GET", "/readyz")

    assert (answer.status_code, answer.json()) == (200, {"database": "ready"})


def test_a_redis_that_does_not_answer_is_named(world: World) -> None:
    answer = endpoints_over(world, redis_url=NOWHERE).request("GET", "/readyz")

    assert (answer.status_code, answer.json()) == (503, {"database": "ready", "redis": "unreachable"})


def test_a_database_that_is_not_migrated_is_named(world: World, tmp_path: Path) -> None:
    is_sqlite = world.engine.dialect.name == "sqlite"
    empty = {"database_url": f"sqlite:///{tmp_path / 'empty.db'}"} if is_sqlite else {"mirror_schema": "another"}

    answer = endpoints_over(world, **empty).request("GET", "/readyz")

    assert (answer.status_code, answer.json()) == (503, {"database": "not migrated"})


def test_a_database_that_does_not_answer_is_named(world: World) -> None:
    answer = endpoints_over(world, database_url="postgresql://nobody@127.0.0.1:1/none").request("GET", "/readyz")

    assert (answer.status_code, answer.json()) == (503, {"database": "unreachable"})
