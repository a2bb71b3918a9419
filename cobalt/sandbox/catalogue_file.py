"""Catalogues in TOML files: one's own for the sandbox, and the one that an import writes."""

import tomllib
from pathlib import Path

import tomli_w
from pydantic import ValidationError

from cobalt_mirror.cobalt.sandbox.catalogue import Catalogue


class CatalogueError(ValueError):
    """A catalogue cannot be read. The text names the file, the place in it, and what is wrong."""


def read_catalogue(file: Path) -> Catalogue:
    """Read a catalogue.

    Raises:
        CatalogueError: The file is not there, is no TOML, or something in it is missing, unknown or of another type.
    """
    try:
        return Catalogue.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise CatalogueError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CatalogueError(f"{file}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise CatalogueError(f"{file} is no TOML: {error}") from error


def catalogue_as_toml(catalogue: Catalogue) -> str:
    """Return a catalogue as `read_catalogue` reads it, without what has its default value."""
    return tomli_w.dumps(catalogue.model_dump(mode="json", by_alias=True, exclude_defaults=True))
