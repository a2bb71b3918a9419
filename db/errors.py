"""What can go wrong with the database, and what to do about it.

DatabaseError
├── BadSetting            a setting cannot be used: correct the variable and start again
├── Unreachable           no database answers at DATABASE_URL: check the address, then start again
├── AccessRefused         the server at DATABASE_URL refuses the connection: do what the text says, then start again
├── NotMigrated           the schema is absent or older than the code: migrate
├── NewerDatabase         the schema is newer than the code, which cannot migrate it: install the newer release
├── MissingRight          the role may not change the schema: run the GRANT in the text, then migrate
├── MigrationGaveWay      other transactions kept a lock for too long: migrate again later
│   └── LockTimeout       one try could not get a lock: try again after a pause
├── NoSecretKeys          MIRROR_SECRET_KEYS is not set and an event has a secret: set it
├── CannotUnseal          no key in MIRROR_SECRET_KEYS decrypts a stored secret: add the old key
├── PositionLost          a reader of the change feed cannot go on from where it was: read the mirror, then go on
├── OpenTransaction       a host wants to wait while its own transaction is open: commit it, then wait
├── LeaseLost             the lease on the account expired, and another worker took it: write nothing
├── PlaceTaken            another reconciliation is under way: wait for it to end
└── PlaceLost             another reconciliation took over from this one: stop, the other one continues
"""

from cobalt_mirror.db.lock_holders import Holder


class DatabaseError(Exception):
    """The root of this package's errors."""


class BadSetting(DatabaseError):
    """A setting has a value that cannot work. The text names the variable. Correct it and start again."""


class Unreachable(DatabaseError):
    """Nothing answers at `DATABASE_URL`. Retry once the database is back."""


class AccessRefused(DatabaseError):
    """The server at `DATABASE_URL` answers and refuses the connection. The text has its words, and what to do."""


class NotMigrated(DatabaseError):
    """The database has no tables of the mirror, or an older version of them. Run `cobalt-mirror migrate`."""


class NewerDatabase(DatabaseError):
    """A newer release migrated the database further than this one knows. Install that release to migrate.

    Running processes continue: the migrations of a release work with the code of the one before.
    """


class MissingRight(DatabaseError):
    """The role of `DATABASE_URL` may not create or change our tables. The text names the right and its GRANT."""


class MigrationGaveWay(DatabaseError):
    """A migration waited too long for another transaction and was rolled back. The text says when to run it again."""


class LockTimeout(MigrationGaveWay):
    """One try of a migration could not get a lock and was rolled back. Try again after a pause.

    Attributes:
        holder: The session that had the lock; None if it is not known.
    """

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(
            f"the migration could not get a lock: {holder or 'another transaction'} holds it; try again later"
        )
        self.holder = holder


class NoSecretKeys(DatabaseError):
    """A secret cannot be stored because `MIRROR_SECRET_KEYS` is not set. Set it, then publish again."""


class CannotUnseal(DatabaseError):
    """A stored secret was encrypted with a key that is no longer in `MIRROR_SECRET_KEYS`. Add that key again."""


class PositionLost(DatabaseError):
    """A reader of the change feed cannot go on from its position: it has missed entries, or the feed ends before it.

    Attributes:
        resume_after: Read the mirror, then go on with `after` set to this.
    """

    def __init__(self, why: str, *, resume_after: int) -> None:
        super().__init__(f"after: {why}; read the mirror, then go on with after={resume_after}")
        self.resume_after = resume_after


class OpenTransaction(DatabaseError):
    """The host's session is in a transaction, in which nothing that workers do would show. Commit it, then wait."""


class LeaseLost(DatabaseError):
    """Another worker took the lease: the transaction is rolled back, and that worker starts the work again."""


class PlaceTaken(DatabaseError):
    """Another run is under way. Wait for it to end, or for two minutes if it was killed."""


class PlaceLost(DatabaseError):
    """This run was suspended for so long that another one took over. It must stop; the other one continues."""
