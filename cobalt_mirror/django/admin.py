"""The mirror in Django's admin, read-only: a member of staff sees the models that they may view."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

from cobalt_mirror.django.models import Application, Config, Connection, HistoryEntry, LinkedAccount

#: The most rows of a list that are counted and shown in pages; a search or a filter finds the others.
MOST_ROWS = 10_000


class _FirstRows(Paginator):  # type: ignore[type-arg] # it takes none when it runs
    """The first pages of a list. Counting the history of a large installation would take seconds."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_ROWS].count())


class _OfApplication(admin.SimpleListFilter):
    """Filters by application. Its choices come from the small table, not from the large one."""

    title = "application"
    parameter_name = "slug"

    def lookups(self, _request: HttpRequest, _admin: Any) -> list[tuple[str, str]]:
        return list(Application.objects.order_by("name").values_list("slug", "name"))

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        return queryset if self.value() is None else queryset.filter(slug=self.value())


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # it takes none when it runs
    """A model that nobody adds, changes or deletes here, not even a superuser."""

    actions = None
    list_per_page = 50
    paginator = _FirstRows
    search_fields: ClassVar[tuple[str, ...]] = ("linked_account_id__startswith",)
    search_help_text = "Beginning of a linked account's id"
    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest, _of: Any = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _of: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _of: Any = None) -> bool:
        return False


@admin.register(LinkedAccount)
class LinkedAccountAdmin(ReadOnlyAdmin):
    list_display = ("linked_account_id", "name", "status", "environment", "verified_at")
    list_filter = ("status", "environment")
    ordering = ("linked_account_id",)


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = ("key", "linked_account_id", "slug", "status", "connected_at", "verified_at")
    list_filter = ("status", _OfApplication)
    ordering = ("linked_account_id", "slug")


@admin.register(Config)
class ConfigAdmin(ReadOnlyAdmin):
    list_display = ("key", "linked_account_id", "slug", "status", "verified_at")
    list_filter = ("status", _OfApplication)
    ordering = ("linked_account_id", "slug", "config_id", "connection_id")


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "enabled", "has_multi_auth", "verified_at")
    list_filter = ("enabled",)
    ordering = ("slug",)
    search_fields = ("slug", "name")
    search_help_text = "Part of a slug or a name"


@admin.register(HistoryEntry)
class HistoryEntryAdmin(ReadOnlyAdmin):
    list_display = ("number", "recorded_at", "what", "linked_account_id", "slug", "changed")
    list_filter = ("what", _OfApplication)
    ordering = ("-number",)

    @admin.display
    def changed(self, entry: HistoryEntry) -> str:
        """Name the fields that changed; the entry's own page has their values."""
        return ", ".join(entry.changes)
