"""The mirror as models: for reading, in queries, pages and the admin. Our migrations make the tables, not Django's."""

# Only mypy's plugin for Django, which needs a project, knows the type of a field's values.
# mypy: disable-error-code="var-annotated"

from enum import StrEnum

from django.db import models

from cobalt_mirror.db.reads import State
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus, RowKind
from cobalt_mirror.django.fields import Key, Moment
from cobalt_mirror.django.read_only import Mirrored


def _one_of(members: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ")) for member in members]


class LinkedAccount(Mirrored):
    """One customer, known to Cobalt by your own id."""

    linked_account_id = models.TextField(primary_key=True)
    name = models.TextField(null=True)
    udf = models.JSONField(null=True)
    environment = models.TextField(null=True)
    status = models.TextField(choices=_one_of(AccountStatus))
    verified_at = Moment(null=True)

    class Meta(Mirrored.Meta):
        db_table = "linked_accounts"

    def __str__(self) -> str:
        return str(self.linked_account_id)


class Application(Mirrored):
    """Something that customers can connect."""

    slug = models.TextField(primary_key=True)
    name = models.TextField()
    icon = models.TextField(null=True)
    description = models.TextField(null=True)
    tags = models.JSONField()
    auth_types = models.JSONField()
    enabled = models.BooleanField()
    verified_at = Moment(null=True)
    app_id = models.TextField(null=True)
    type = models.TextField(null=True)
    kind = models.TextField(null=True)
    has_multi_auth = models.BooleanField()

    class Meta(Mirrored.Meta):
        db_table = "applications"

    def __str__(self) -> str:
        return str(self.slug)


class Connection(Mirrored):
    """One account's link to one application."""

    key = Key("linked_account_id", "slug")
    linked_account_id = models.TextField()
    slug = models.TextField()
    status = models.TextField(choices=_one_of(ConnectionStatus))
    accounts = models.JSONField(null=True)
    connected_at = Moment(null=True)
    verified_at = Moment(null=True)

    class Meta(Mirrored.Meta):
        db_table = "connections"

    def __str__(self) -> str:
        return str(self.key)


class Config(Mirrored):
    """How a connection is set up. Values of password fields are never mirrored."""

    key = Key("linked_account_id", "slug", "config_id", "connection_id")
    linked_account_id = models.TextField()
    slug = models.TextField()
    config_id = models.TextField()
    connection_id = models.TextField()
    fields = models.JSONField()
    workflows = models.JSONField()
    schema = models.JSONField()
    field_errors = models.JSONField()
    status = models.TextField(choices=_one_of(ConfigStatus))
    verified_at = Moment(null=True)

    class Meta(Mirrored.Meta):
        db_table = "configs"

    def __str__(self) -> str:
        return str(self.key)


class Integration(Mirrored):
    """One application as one customer sees it: to be connected, connected, or to be connected again."""

    key = Key("linked_account_id", "slug")
    linked_account_id = models.TextField()
    slug = models.TextField()
    name = models.TextField()
    icon = models.TextField(null=True)
    description = models.TextField(null=True)
    tags = models.JSONField()
    auth_types = models.JSONField()
    state = models.TextField(choices=_one_of(State))
    connected = models.IntegerField(null=True)
    needs_attention = models.IntegerField(null=True)

    class Meta(Mirrored.Meta):
        db_table = "integrations"

    def __str__(self) -> str:
        return str(self.key)


class HistoryEntry(Mirrored):
    """One change of the mirror: field by field from and to, when, and because of what."""

    number = models.BigIntegerField(primary_key=True)
    recorded_at = Moment()
    what = models.TextField(choices=_one_of(RowKind))
    linked_account_id = models.TextField(null=True)
    slug = models.TextField(null=True)
    config_id = models.TextField(null=True)
    connection_id = models.TextField(null=True)
    changes = models.JSONField()
    because = models.JSONField()

    class Meta(Mirrored.Meta):
        db_table = "history"
        verbose_name_plural = "history"

    def __str__(self) -> str:
        return f"{self.number}: {self.what} of {self.linked_account_id}"
