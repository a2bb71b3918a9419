"""What can go wrong with the database, in words that say how to mend it.

DatabaseError
├── BadSetting            a variable's value cannot be used: mend the environment and start again
├── Unreachable           no database answers at DATABASE_URL: check the address, then start again
├── NotMigrated           the schema is absent, old or newer than the code: migrate, or install the newer release
├── NoSecretKeys          MIRROR_SECRET_KEYS is unset and a secret would have to be stored
├── CannotUnseal          no key of MIRROR_SECRET_KEYS opens a stored secret: put the old key back
├── LeaseLost             another worker holds the account by now: write nothing
├── PlaceTaken            another reconciliation is under way: wait for its end
└── PlaceLost             another reconciliation took this one's place: stop, the other one goes on from there
"""


class DatabaseError(Exception):
    """The root of this package's errors."""


class BadSetting(DatabaseError):
    """A setting has a value that cannot work. The text names the variable. Mend it and start again."""


class Unreachable(DatabaseError):
    """Nothing answers at `DATABASE_URL`. Retry once the database is back."""


class NotMigrated(DatabaseError):
    """The database lacks our tables, or has another version's. The text says what to do about it."""


class NoSecretKeys(DatabaseError):
    """A secret cannot be stored because `MIRROR_SECRET_KEYS` is unset. Set it, then publish again."""


class CannotUnseal(DatabaseError):
    """A stored secret was sealed with a key that `MIRROR_SECRET_KEYS` no longer holds. Add that key back."""


class LeaseLost(DatabaseError):
    """The lease went to another worker; the transaction is rolled back and the work starts over there."""


class PlaceTaken(DatabaseError):
    """Another run is under way. Wait for its end, or for two minutes if it was killed."""


class PlaceLost(DatabaseError):
    """This run slept for so long that another one took its place. It must stop; the other one goes on from there."""
