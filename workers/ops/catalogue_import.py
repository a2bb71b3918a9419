"""Make a catalogue for the sandbox of what a real organisation offers. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cobalt_mirror.cobalt import Client, UnknownApplication, UnknownConfig
from cobalt_mirror.cobalt.models import Application, Config
from cobalt_mirror.cobalt.sandbox.catalogue import Catalogue
from cobalt_mirror.cobalt.sandbox.catalogue_file import catalogue_as_toml
from cobalt_mirror.cobalt.sandbox.importing import application_of
from cobalt_mirror.workers.clients import governed_client
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.settings import Settings

#: How many accounts are looked at, the newest first, if none is named.
ACCOUNTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCatalogue:
    """What was written.

    Attributes:
        slugs: All applications that are in the file.
        without_fields: Those of them of which no account has a config.
        not_connectable: The applications that connect in no way that the sandbox has.
        left_out: What else is not in the file, a sentence each.
    """

    slugs: tuple[str, ...]
    without_fields: tuple[str, ...]
    not_connectable: tuple[str, ...]
    left_out: tuple[str, ...]


def import_catalogue(settings: Settings, file: Path, *, linked_account_ids: Sequence[str]) -> ImportedCatalogue:
    """Write the applications that are enabled at Cobalt, with the fields that configs of some accounts show.

    Args:
        settings: The settings in force; the key decides the environment.
        file: The file to write, which must not be there yet.
        linked_account_ids: The accounts to look through; none for the newest ones.

    Raises:
        NotReady: There is no account or no application, or the file is there or cannot be written.
        CobaltError: See `Client`. Nothing was written.
    """
    with governed_client(settings) as client:
        applications, configs = _read(client, linked_account_ids or _newest_accounts(client))
    made = {slug: application_of(answer, configs.get(slug)) for slug, answer in applications.items()}
    kept = tuple(each.application for each in made.values() if each.application is not None)
    if not kept:
        raise NotReady("Cobalt shows no application that can be connected; enable one, then run it again")
    _write(file, catalogue_as_toml(Catalogue(application=kept)))
    return ImportedCatalogue(
        slugs=tuple(application.slug for application in kept),
        without_fields=tuple(each.slug for each in kept if each.slug not in configs),
        not_connectable=tuple(slug for slug, each in made.items() if each.application is None and not each.left_out),
        left_out=tuple(sentence for each in made.values() for sentence in each.left_out),
    )


def _newest_accounts(client: Client) -> list[str]:
    accounts = client.fetch_accounts(limit=ACCOUNTS).accounts
    if not accounts:
        raise NotReady(
            "Cobalt shows its applications through an account only, and this environment has none; create one"
        )
    return [account.linked_account_id for account in accounts]


def _read(client: Client, linked_account_ids: Sequence[str]) -> tuple[dict[str, Application], dict[str, Config]]:
    """Return the applications by slug, those that an account is connected to as it sees them, and a config of each."""
    applications: dict[str, Application] = {}
    configs: dict[str, Config] = {}
    for linked_account_id in linked_account_ids:
        for application in client.fetch_applications(linked_account_id):
            slug = application.slug
            if slug not in applications or application.connected:
                applications[slug] = application
            if slug not in configs and (config := _find_config(client, linked_account_id, slug)) is not None:
                configs[slug] = config
    return applications, configs


def _find_config(client: Client, linked_account_id: str, slug: str) -> Config | None:
    """Return the first config of the list; an account may have one of an application that it is not connected to."""
    try:
        for reference in client.fetch_configs(linked_account_id, slug):
            return client.fetch_config(
                linked_account_id, slug, config_id=reference.config_id, connection_id=reference.connection_id
            )
    except (UnknownApplication, UnknownConfig):  # neither was asked for, and a config may go between two reads
        return None
    return None


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as writing:
            writing.write(text)
    except FileExistsError:
        raise NotReady(f"{file} is there already; name another file, or remove it") from None
    except OSError as error:
        raise NotReady(f"{file} cannot be written: {error.strerror}") from error
