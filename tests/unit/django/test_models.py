"""The models are what the tables are: a column that is added or changed in one of them must be in the other."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from sqlalchemy import BigInteger, Boolean, Column, Table, Text
from sqlalchemy.types import TypeEngine

from cobalt_mirror.db import tables
from cobalt_mirror.db.columns import Json, OneOf, UtcDateTime, Words
from cobalt_mirror.django.fields import Key, Moment, make_key, split_key
from tests.unit.django.conftest import APP

MODELS = ("LinkedAccount", "Application", "Connection", "Config", "HistoryEntry", "Integration")
#: What stands for each type of column.
FIELDS: dict[type[TypeEngine[Any]], type[Any]] = {
    BigInteger: models.BigIntegerField,
    Boolean: models.BooleanField,
    Json: models.JSONField,
    OneOf: models.TextField,
    Text: models.TextField,
    UtcDateTime: Moment,
    Words: models.TextField,
}


def test_every_model_is_here() -> None:
    assert {model.__name__ for model in apps.get_app_config("cobalt_mirror").get_models()} == set(MODELS)
    assert apps.get_app_config("cobalt_mirror").name == APP


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"Integration"}))
def test_a_model_has_the_columns_of_its_table_and_their_types(name: str) -> None:
    model = apps.get_model("cobalt_mirror", name)
    table = table_of(model)
    fields = {field.column: field for field in model._meta.concrete_fields if not isinstance(field, Key)}

    assert set(fields) == {column.name for column in table.columns}
    for column in table.columns:
        field = fields[column.name]
        assert type(field) is FIELDS[type(column.type)], column
        assert field.null is bool(column.nullable), column
        assert [value for value, _ in field.choices or []] == words_of(column), column


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"Integration"}))
def test_a_model_has_the_key_of_its_table(name: str) -> None:
    model = apps.get_model("cobalt_mirror", name)
    key = model._meta.pk

    columns = key.columns if isinstance(key, Key) else (key.column,)
    assert list(columns) == [column.name for column in table_of(model).primary_key]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_not_for_django_to_make_and_is_in_our_schema(name: str) -> None:
    options = apps.get_model("cobalt_mirror", name)._meta

    assert not options.managed
    assert options.default_permissions == ("view",)
    assert options.db_table.startswith('"cobalt_mirror"."')


def test_the_admin_has_every_model_but_the_large_view() -> None:
    admin.autodiscover()
    registered = {model.__name__ for model in admin.site._registry if model._meta.app_label == "cobalt_mirror"}

    assert registered == set(MODELS) - {"Integration"}


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (["acme", "slack"], "acme/slack"),
        (["acme", "slack", "acme", ""], "acme/slack/acme/"),
        (["a/b", "c"], "a~1b/c"),
        (["a", "b/c"], "a/b~1c"),
        (["~1", "~0"], "~01/~00"),
        (["", ""], "/"),
    ],
)
def test_a_key_tells_its_parts_apart(parts: list[str], key: str) -> None:
    assert make_key(*parts) == key
    assert split_key(key) == parts


def test_a_row_is_found_by_its_key_in_the_index_and_not_by_putting_every_key_together() -> None:
    query = apps.get_model("cobalt_mirror", "Connection").objects.filter(pk="a~1b/slack").query
    _, _, condition = str(query).partition(" WHERE ")
    table = '"cobalt_mirror"."connections"'

    assert condition == f'{table}."linked_account_id" = a/b AND {table}."slug" = slack'


def table_of(model: type[models.Model]) -> Table:
    name = model._meta.db_table.split(".")[1].strip('"')
    return tables.metadata.tables[f"{tables.DECLARED_SCHEMA}.{name}"]


def words_of(column: Column[object]) -> list[str]:
    return [str(member) for member in column.type.members] if isinstance(column.type, OneOf) else []
