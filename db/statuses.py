"""The closed sets of words that our tables hold. A host reads these words; each member equals its plain text."""

from enum import StrEnum


class EventStatus(StrEnum):
    """How far an event is. Everything but `PENDING` is final."""

    PENDING = "pending"
    DONE = "done"
    #: Nothing was left to do for it: a later event or what Cobalt showed made it moot.
    SUPERSEDED = "superseded"
    #: It can never succeed; `move` says who has to act.
    DEAD = "dead"
    #: An operator ended it for good after it was dead: as if it had never been published.
    DISCARDED = "discarded"


class Move(StrEnum):
    """Who has to act on a dead event, on one that is being retried, or on a halt."""

    OPERATOR = "operator"
    PROVIDER = "provider"
    CUSTOMER = "customer"


class Unseen(StrEnum):
    """What Cobalt did not show when an event ended without effect. A read that shows it makes the event pending."""

    ACCOUNT = "account"
    APPLICATION = "application"
    CONNECTION = "connection"


class Expected(StrEnum):
    """What a read should show, because a notification or a listing said so."""

    CONNECTED = "connected"
    REAUTH_REQUIRED = "reauth_required"
    #: The connection, or the account itself, is gone.
    GONE = "gone"


class AccountStatus(StrEnum):
    """What Cobalt has of a linked account."""

    #: Its sign-up did not get through yet.
    PENDING = "pending"
    ACTIVE = "active"
    #: Cobalt no longer has it, although no event asked for that.
    MISSING = "missing"
    #: An event asked for its deletion, and Cobalt no longer has it.
    DELETED = "deleted"


class ConnectionStatus(StrEnum):
    """How an account is connected to an application."""

    #: Every connected account of it is active.
    CONNECTED = "connected"
    #: At least one of them is expired.
    REAUTH_REQUIRED = "reauth_required"
    DISCONNECTED = "disconnected"


class ConfigStatus(StrEnum):
    """Whether a config is there."""

    INSTALLED = "installed"
    DELETED = "deleted"


class RunEnding(StrEnum):
    """How a run of a workflow ended. Each is counted in the column of `workflow_runs` that has its name."""

    COMPLETED = "completed"
    ERRORED = "errored"
    #: Somebody stopped it.
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"


class RowKind(StrEnum):
    """Of which of the mirror's tables an entry of the history is."""

    LINKED_ACCOUNT = "linked_account"
    CONNECTION = "connection"
    CONFIG = "config"
    APPLICATION = "application"


class SuspicionKind(StrEnum):
    """Why a reconciliation wants a subject read."""

    CHANGED = "changed"
    #: An account that the walk did not see.
    MISSING = "missing"
    #: A connection that the listing does not show.
    GONE = "gone"
    #: An account that the mirror does not know. A dry run notes it; any other run adopts it.
    UNKNOWN = "unknown"
    #: Nothing is suspected: its turn has come to be read with its configs, which the listing does not show.
    CONFIGS = "configs"


class SuspicionOutcome(StrEnum):
    """What came of a suspicion."""

    REPAIRED = "repaired"
    AGREED = "agreed"
    #: It could not be read, so it is in doubt.
    LEFT = "left"


class CallOutcome(StrEnum):
    """What a call to Cobalt came to."""

    #: An answer as expected.
    ANSWERED = "answered"
    #: Cobalt does not have the account, the application or the config.
    ABSENT = "absent"
    REFUSED = "refused"
    KEY_REFUSED = "key_refused"
    #: Cobalt said that there are too many calls.
    THROTTLED = "throttled"
    #: Cobalt failed on its side.
    FAILED = "failed"
    #: An answer that Cobalt does not document, such as a proxy's page.
    UNEXPECTED = "unexpected"
    #: Cobalt was not reached, so the call had no effect.
    UNREACHED = "unreached"
    #: No complete answer came; the call may have had an effect.
    UNANSWERED = "unanswered"
    #: The governor had no slot for it soon enough.
    NOT_SENT = "not_sent"


class ProcessKind(StrEnum):
    """Which of our processes has a heartbeat."""

    RELAY = "relay"
    WORKER = "worker"
    WEB = "web"


class PauseScope(StrEnum):
    """What a pause stops."""

    #: All events but deletions, and all rereads.
    EVERYTHING = "everything"
    #: The events of one type.
    TYPE = "type"
    #: The events and rereads of one application.
    APPLICATION = "application"
    #: The events and rereads of one account.
    ACCOUNT = "account"
    RECONCILIATION = "reconciliation"


class StateKey(StrEnum):
    """The facts about the whole installation that the table `state` holds."""

    ENVIRONMENT = "environment"
    HALTED = "halted"
    #: What the operator has stopped for a while, a list.
    PAUSES = "pauses"
    CATALOGUE_DUE = "catalogue_due"
    #: The applications that the last listings of the catalogue lacked, each since when.
    CATALOGUE_ABSENT = "catalogue_absent"
    WEBHOOK = "webhook"
    #: A random name, by which two installations that share a Redis know each other.
    INSTALLATION = "installation"
    LAST_PASS = "last_pass"  # noqa: S105 - a pass of the reconciliation is no password
    #: On SQLite only, where a trigger counts with it.
    LAST_EVENT_NUMBER = "last_event_number"


class ChangeType(StrEnum):
    """What an entry of the change feed says."""

    CONNECTION_CONNECTED = "connection.connected"
    #: Connected, after it was disconnected.
    CONNECTION_RECONNECTED = "connection.reconnected"
    CONNECTION_REAUTH_REQUIRED = "connection.reauth_required"
    #: It works again after the customer had to authenticate.
    CONNECTION_RECOVERED = "connection.recovered"
    CONNECTION_REMOVED = "connection.removed"
    CONFIG_CHANGED = "config.changed"
    #: Cobalt refuses a value, and the customer has to mend it.
    CONFIG_NEEDS_ATTENTION = "config.needs_attention"
    #: Cobalt has the account: for the first time, again after a deletion, or after it was missing.
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_RENAMED = "account.renamed"
    #: Cobalt no longer has it, although no event asked for that.
    ACCOUNT_MISSING = "account.missing"
    ACCOUNT_DELETED = "account.deleted"
    EVENT_DEAD = "event.dead"
    WORK_HALTED = "work.halted"
    WORK_RESUMED = "work.resumed"


class ReceiverKind(StrEnum):
    """What follows the change feed and gets notices."""

    #: A URL that gets webhooks.
    ENDPOINT = "endpoint"
    #: A function of the host's that a worker calls.
    HANDLER = "handler"


class NoticeStatus(StrEnum):
    """How far a notice is. Everything but `PENDING` is final, but `FAILED` can be tried again."""

    PENDING = "pending"
    #: The receiver took it.
    DELIVERED = "delivered"
    #: It is not sent: the failure did not last, or the receiver was not told of the failure that ended.
    SKIPPED = "skipped"
    #: All attempts failed.
    FAILED = "failed"
