"""However processes change their keys one after the other, as docs/operations.md says: each reads every value."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import event as note
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from cobalt_mirror.db import tables
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import ConfigChanged
from cobalt_mirror.workers.ops.secret_keys import examine_keys
from tests.effort import tries
from tests.integration.db.test_sealed import publish, read, rotate
from tests.world import World

PROCESSES = 3
KEYS = [Fernet.generate_key().decode() for _ in range(9)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("rotations") / "mirror.db"
    shutil.copy(migrated_sqlite, path)
    world = World(f"sqlite:///{path}")
    yield world.engine
    world.close()


@dataclass
class Installation:
    """Processes with keys of their own. `steps` counts how often each was restarted with other keys."""

    engine: Engine
    steps: list[int] = field(default_factory=lambda: [0] * PROCESSES)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)

    def vault(self, process: int) -> Vault:
        rotations, step = divmod(self.steps[process], 3)
        old, new = KEYS[rotations : rotations + 2]
        return Vault.from_keys([old, f"{old},{new}", f"{new},{old}"][step])

    def publish(self, process: int) -> None:
        event = ConfigChanged("acme", "slack", fields={"password": "s3cret"}, id=str(len(self.published)))
        assert publish(self.engine, self.vault(process), event) == [True]
        self.published[event.id] = event.payload()

    def publish_again(self, process: int) -> None:
        for id_, payload in self.published.items():
            assert publish(self.engine, self.vault(process), ConfigChanged("acme", "slack", id=id_, **payload)) == [
                False
            ]

    def restart(self, process: int) -> None:
        """Give the process that is furthest behind, from this one on, the next keys, once all are as far."""
        behind = min(range(PROCESSES), key=lambda each: (self.steps[each], (each - process) % PROCESSES))
        removes = self.steps[behind] % 3 == 2
        if not removes or examine_keys(self.engine, self.vault(behind)).keys[1].seals == 0:
            self.steps[behind] += 1

    def rotate(self, process: int) -> None:
        """Rotate once all processes have the new key first."""
        if min(self.steps) == max(self.steps) and self.steps[0] % 3 == 2:
            rotate(self.engine, self.vault(process))


ACTIONS = [Installation.publish, Installation.publish_again, *[Installation.restart] * 3, Installation.rotate]


@settings(
    max_examples=tries(15),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, PROCESSES - 1)), min_size=20, max_size=40))
def test_every_process_reads_every_value_in_every_step_of_a_rotation(file: Engine, steps: list[Any]) -> None:
    with file.begin() as connection:
        connection.execute(delete(tables.events))
    installation = Installation(file)

    for act, process in steps:
        act(installation, process)
        for each in range(PROCESSES):
            assert read(file, installation.vault(each)) == installation.published

    note(f"{min(installation.steps) // 3} rotations")
