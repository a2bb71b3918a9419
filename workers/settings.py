"""What our processes need to know, read from the environment and checked once at start."""

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import DatabaseSettings

#: What a call may wait for a slot under Cobalt's limit before its work is put off, in seconds.
LONGEST_WAIT_SECONDS = 2.0


class Settings(DatabaseSettings):
    """Every setting of the workers, the relay and the command line. Each is the variable of the same name in capitals.

    Attributes:
        redis_url: `redis://` or `rediss://`; unset: `cobalt-mirror up` starts a Redis of its own.
        redis_namespace: what the names of our keys in Redis start with.
        cobalt_api_key: `tk...` for the test environment, `pk...` for production.
        cobalt_previous_api_key: the key before, while it is being replaced: notifications signed with it count too.
        cobalt_base_url: where Cobalt is; the sandbox's address for development.
        cobalt_rate_per_second: Cobalt's limit for the whole organisation; 0 switches the governor off.
        cobalt_burst: how many calls Cobalt takes at once.
        cobalt_processes: how many processes on all machines call Cobalt and share its limit while Redis is away; unset:
            `worker_processes`, for one `worker` on one machine.
        cobalt_timeout_seconds: the total time that one call may take.
        worker_processes: processes of the `worker` line in the Procfile.
        worker_threads: threads in each of them.
        find_config_on_authorization: find or create the config right after a verified authorisation.
        retry_base_seconds: the first wait after a failure is at most this; the ceiling doubles from there.
        retry_cap_seconds: the longest wait between two attempts.
        retry_give_up_days: after this long without success, an event is dead.
        catalogue_refresh_seconds: how old the mirrored catalogue may grow.
        delayed_write_seconds: when a write whose answer never came may have landed at the latest.
        reconcile_config_share: the share of all connections that every reconciliation reads with their configs.
        reconcile_brake_share: a reconciliation stops when a greater share than this, ...
        reconcile_brake_count: ... and more accounts or connections than this, seem to be gone.
        events_token: the bearer token of `POST /events`; unset: that door is closed.
        web_host: where `cobalt-mirror web` listens; `0.0.0.0` for every address of the machine.
        web_port: the port of it; 0: a free one.
        log_level: `debug`, `info`, `warning` or `error`.
    """

    redis_url: str | None = None
    redis_namespace: str = "cobalt-mirror"
    cobalt_api_key: SecretStr = SecretStr("")
    cobalt_previous_api_key: SecretStr = SecretStr("")
    cobalt_base_url: str = "https://app.refold.ai"
    cobalt_rate_per_second: float = Field(default=20, ge=0, le=100_000)
    cobalt_burst: int = Field(default=5, ge=1, le=10_000)
    cobalt_processes: int | None = Field(default=None, ge=1, le=10_000)
    cobalt_timeout_seconds: float = Field(default=10, gt=0, le=120)
    worker_processes: int = Field(default=2, ge=1, le=64)
    worker_threads: int = Field(default=4, ge=1, le=64)
    find_config_on_authorization: bool = True
    retry_base_seconds: float = Field(default=2, gt=0)
    retry_cap_seconds: float = Field(default=900, gt=0)
    retry_give_up_days: float = Field(default=3, gt=0)
    catalogue_refresh_seconds: float = Field(default=3600, gt=0)
    delayed_write_seconds: float = Field(default=60, ge=0)
    reconcile_config_share: float = Field(default=0.02, ge=0, le=1)
    reconcile_brake_share: float = Field(default=0.05, ge=0, le=1)
    reconcile_brake_count: int = Field(default=20, ge=0)
    events_token: SecretStr = SecretStr("")
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8475, ge=0, le=65_535)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://")):
            raise ValueError("wants redis://host:6379/0 or rediss://...")
        return value

    @field_validator("cobalt_base_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("wants an address such as https://app.refold.ai")
        return value.rstrip("/")

    @field_validator("cobalt_api_key", "cobalt_previous_api_key", "events_token")
    @classmethod
    def _can_be_a_header(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("has characters that no key has; was it copied whole, without quotes?")
        return value

    def require_key(self) -> str:
        """Cobalt's API key.

        Raises:
            BadSetting: there is none.
        """
        if not self.cobalt_api_key.get_secret_value():
            raise BadSetting("COBALT_API_KEY is unset; set it to your key (the sandbox takes tk_sandbox)")
        return self.cobalt_api_key.get_secret_value()

    def require_redis(self) -> str:
        """The address of Redis.

        Raises:
            BadSetting: there is none.
        """
        if self.redis_url is None:
            raise BadSetting("REDIS_URL is unset; set it, or use `cobalt-mirror up`, which starts a Redis of its own")
        return self.redis_url

    @property
    def share_per_second(self) -> float:
        """What one process may call by itself, while nobody can tell it what the others do."""
        processes = self.worker_processes if self.cobalt_processes is None else self.cobalt_processes
        return self.cobalt_rate_per_second / processes

    @property
    def patience_seconds(self) -> float:
        """The longest that one call may take, its wait for a slot included. Less lease left: no call is begun."""
        return self.cobalt_timeout_seconds + LONGEST_WAIT_SECONDS

    @property
    def lease_ttl(self) -> timedelta:
        """How long a worker holds an account; when one dies, its account waits this long at most."""
        return timedelta(seconds=2 * self.patience_seconds + 6)
