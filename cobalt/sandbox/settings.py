"""The settings of a sandbox: limits, lifetimes, and a switch wherever Cobalt's documentation is silent."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class RetryAfter(StrEnum):
    """The form of the `Retry-After` header of a 429."""

    ABSENT = "absent"
    SECONDS = "seconds"
    DATE = "date"


class LeftOut(StrEnum):
    """What an upsert does to `name` and `udf` if the body leaves them out."""

    KEPT = "kept"
    CLEARED = "cleared"


class PasswordValues(StrEnum):
    """How a config answer shows the value of a password field."""

    SHOWN = "shown"
    MASKED = "masked"
    LEFT_OUT = "left_out"


class NullValues(StrEnum):
    """What `null` as a field's value does."""

    CLEARED = "cleared"
    STORED = "stored"


class ConnectedWhenNot(StrEnum):
    """How an application shows that nothing is connected."""

    FALSE = "false"
    ABSENT = "absent"


class ListingLie(StrEnum):
    """How the listing of accounts contradicts itself."""

    NONE = "none"
    LEFT_OUT = "left_out"  # the first account of page 1, as if it were filtered after the pages are cut
    ENDLESS = "endless"  # every page says that another follows
    SHRINKING = "shrinking"  # each page counts fewer accounts than the page before
    REPEATED = "repeated"  # page 2 holds the accounts of page 1


class SandboxSettings(BaseModel):
    """Every setting with its default; frozen, so a change is a new value.

    Attributes:
        rate_limited: Whether calls above the rate are answered with 429.
        rate_per_second: Refill of the token bucket, for the whole organisation.
        rate_burst: Capacity of the token bucket.
        retry_after: The form of `Retry-After`.
        token_lifetime_seconds: Lifetime of a session token.
        reconnect_changes_connected_at: Whether connecting again moves `connectedAt`.
        upsert_left_out: What an upsert does to `name` and `udf` if it leaves them out. Credentials are always kept.
        password_values: How config answers show password fields.
        null_values: What a `null` value does.
        value_types_checked: Whether a value of another JSON type than the field's is refused.
        token_renewals: Share of API calls of one account after which the provider's token of one of its active
            connections is renewed, 0 to 1.
        stale_reads: Share of reads that are answered as things were ``stale_seconds`` ago, 0 to 1.
        stale_seconds: How far such an answer lags behind.
        connected_when_not: `connected: false`, or no such key.
        default_application_shown: Whether an account's `integrations` show the organisation's default application, once
            it had credentials for it. Its `app_id` is in no catalogue.
        connected_accounts_bare: Whether connected accounts leave out `auth_type` and `status`.
        listing_carries_integrations: Whether the documents of the listing show `integrations`.
        listing_lie: How the listing contradicts itself, to try what a reader makes of it.
        notifications_lost: Share of notifications that are never sent, 0 to 1.
        notifications_duplicated: Share of notifications that are sent twice, 0 to 1.
        notifications_delay_seconds: Delay of every notification.
        notifications_shuffle_seconds: Longest random delay in addition, so that notifications overtake each other.
        notifications_retry_seconds: First wait after a refused delivery; it doubles each time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_limited: bool = True
    rate_per_second: float = Field(default=20.0, gt=0)
    rate_burst: int = Field(default=5, ge=1)
    retry_after: RetryAfter = RetryAfter.SECONDS
    token_lifetime_seconds: int = Field(default=86_400, ge=1)
    reconnect_changes_connected_at: bool = True
    token_renewals: float = Field(default=0.0, ge=0, le=1)
    stale_reads: float = Field(default=0.0, ge=0, le=1)
    stale_seconds: float = Field(default=3.0, ge=0)
    upsert_left_out: LeftOut = LeftOut.KEPT
    password_values: PasswordValues = PasswordValues.SHOWN
    null_values: NullValues = NullValues.CLEARED
    value_types_checked: bool = True
    connected_when_not: ConnectedWhenNot = ConnectedWhenNot.FALSE
    connected_accounts_bare: bool = False
    default_application_shown: bool = False
    listing_carries_integrations: bool = True
    listing_lie: ListingLie = ListingLie.NONE
    notifications_lost: float = Field(default=0.0, ge=0, le=1)
    notifications_duplicated: float = Field(default=0.0, ge=0, le=1)
    notifications_delay_seconds: float = Field(default=0.0, ge=0)
    notifications_shuffle_seconds: float = Field(default=0.0, ge=0)
    notifications_retry_seconds: float = Field(default=1.0, gt=0)
