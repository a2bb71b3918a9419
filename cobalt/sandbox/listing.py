"""Listings of accounts that contradict themselves, as those of real services do at times."""

from typing import Any, assert_never

from cobalt_mirror.cobalt.sandbox.settings import ListingLie


def as_told(page: dict[str, Any], lie: ListingLie) -> dict[str, Any]:
    """Return a true page of the listing, or what a listing of this kind makes of it."""
    match lie:
        case ListingLie.NONE | ListingLie.REPEATED:  # the latter chooses another page beforehand
            return page
        case ListingLie.LEFT_OUT:
            return {**page, "docs": page["docs"][1:]} if page["page"] == 1 else page
        case ListingLie.ENDLESS:
            return {**page, "hasNextPage": True, "nextPage": page["page"] + 1}
        case ListingLie.SHRINKING:
            total = max(page["totalDocs"] - page["page"], 0)
            return {**page, "totalDocs": total, "totalPages": max(1, -(-total // page["limit"]))}
    assert_never(lie)
