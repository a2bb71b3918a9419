"""What can go wrong with the database, in words that say how to mend it.

DatabaseError
├── BadSetting            a variable's value cannot be used: mend the environment and start again
├── Unreachable           no database answers at DATABASE_URL: check the address, then start again
├── NotMigrated           the schema is absent or older than the code: migrate
├── NewerDatabase         the schema is newer than the code, which cannot migrate it: install the newer release
├── MissingRight          the role may not change the schema: run the GRANT that the text names, then migrate
├── MigrationGaveWay      others were at work in the database for too long: migrate again later
│   └── LockTimeout       one try got no lock: try again after a pause
├── NoSecretKeys          MIRROR_SECRET_KEYS is unset and a secret would have to be stored
├── CannotUnseal          no key of MIRROR_SECRET_KEYS opens a stored secret: put the old key back
├── LeaseLost             another worker holds the account by now: write nothing
├── PlaceTaken            another reconciliation is under way: wait for its end
└── PlaceLost             another reconciliation took this one's place: stop, the other goes on from there
"""

from cobalt_mirror.db.lock_holders import Holder


class DatabaseError(Exception):
    """The root of this package's errors."""


class BadSetting(DatabaseError):
    """A setting has a value that cannot work. The text names the variable. Mend it and start again."""


class Unreachable(DatabaseError):
    """Nothing answers at `DATABASE_URL`. Retry once the database is back."""


class NotMigrated(DatabaseError):
    """The database lacks our tables, or has an older version's. Run `cobalt-mirror migrate`."""


class NewerDatabase(DatabaseError):
    """A newer release migrated the database further than this one knows. Install that release to migrate.

    What runs already goes on: the migrations of a release work with the code of the one before.
    """


class MissingRight(DatabaseError):
    """The role of `DATABASE_URL` may not create or change our tables. The text names the right and its GRANT."""


class MigrationGaveWay(DatabaseError):
    """A migration waited too long for another session and was undone. Run it again; the text says after what."""


class LockTimeout(MigrationGaveWay):
    """One try of a migration got no lock and was undone. Try again after a pause.

    Attributes:
        holder: who had the lock; None: not seen.
    """

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(f"the migration got no lock, which {holder or 'another transaction'} holds; try again later")
        self.holder = holder


class NoSecretKeys(DatabaseError):
    """A secret cannot be stored because `MIRROR_SECRET_KEYS` is unset. Set it, then publish again."""


class CannotUnseal(DatabaseError):
    """A stored secret was sealed with a key that `MIRROR_SECRET_KEYS` no longer holds. Add that key back."""


class LeaseLost(DatabaseError):
    """The lease went to another worker; the transaction is rolled back and the work starts over there."""


class PlaceTaken(DatabaseError):
    """Another run is under way. Wait for its end, or for two minutes if it was killed."""


class PlaceLost(DatabaseError):
    """This run had no heartbeat for so long that another run took its place. It must stop; the other run goes on."""
