"""A customer's story is told from what is stored, in the order in which it happened."""

from collections.abc import Callable, Iterator

from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.heartbeat import Heartbeat
from cobalt_mirror.workers.ops.explaining import Explanation, News, Question, explain, follow
from tests.world import World


def explained(world: World, slug: str | None = None) -> Explanation:
    return explain(world.engine, Question(account="acme", slug=slug), world.settings, clock=world.clock)


def connected(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme"))
    world.work()
    world.sandbox.connect("acme", "slack")


def test_a_story_has_events_calls_changes_and_ends(world: World) -> None:
    connected(world)
    first, last = (ConfigChanged("acme", "slack", fields={"channel": name}) for name in ("one", "two"))
    world.publish(ConnectionAuthorized("acme", "slack"), first, last)
    world.work_until_quiet()

    story = explained(world, "slack")

    assert story.verdict.state == "at rest"
    texts = [line.text for line in story.lines if line.slug == "slack"]
    places = [
        next(place for place, text in enumerate(texts) if wanted in text)
        for wanted in (
            f"config_changed {first.id} from host",
            "PUT /api/v2/public/config: 200 answered",
            "config acme: ",
            f"config_changed {first.id} was not needed: a later event replaces this one",
        )
    ]
    assert places == sorted(places)
    assert f"config_changed {last.id} is done" in texts


def test_another_application_is_another_story(world: World) -> None:
    connected(world)
    world.publish(ConfigChanged("acme", "nowhere", fields={"channel": "one"}))
    world.work_until_quiet()

    assert explained(world).verdict.state == explained(world, "nowhere").verdict.state == "dead"
    assert explained(world, "slack").verdict.state == "at rest"
    assert {line.slug for line in explained(world, "slack").lines} <= {"", "slack"}


def test_following_tells_each_thing_once_and_a_verdict_when_it_changes(world: World) -> None:
    for kind in (ProcessKind.RELAY, ProcessKind.WORKER):
        Heartbeat(kind, world.engine, clock=world.clock).beat()
    world.publish(UserSignedUp("acme", name="Acme"))
    steps: Iterator[Callable[[], object]] = iter([world.work, world.due_accounts])

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            step()
        return step is None

    news: list[News] = list(follow(lambda: explained(world), wait))

    assert [None if each.verdict is None else each.verdict.state for each in news] == ["waiting", "at rest"]
    told = [line for each in news for line in each.lines]
    assert len(told) == len(set(told))
    assert {line.kind for line in news[1].lines} >= {"call", "mirror", "ended"}
