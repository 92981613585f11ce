"""Settings, read from environment variables `DRIPPULSE_*`."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from drippulse.kit.client_address import read_networks

MINIMUM_SECRET_LENGTH = 32


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Every process reads the same settings; `drippulse up` fills in what it embeds and hands them to its children."""

    model_config = SettingsConfigDict(env_prefix="DRIPPULSE_", extra="ignore")

    env: Environment = Environment.PRODUCTION
    database_url: str = Field(default="", description="PostgreSQL URL of the login role; empty: `up` embeds one")
    database_owner_url: str = Field(
        default="", description="URL of the role that owns the tables; default: DATABASE_URL"
    )
    database_pool_size: int = Field(default=10, ge=1, le=500)
    database_statement_cache: int = Field(default=256, ge=0, description="0 behind PgBouncer in transaction mode")
    redis_url: str = Field(default="", description="Redis URL; empty: `up` embeds one")
    smtp_url: str = Field(default="", description="smtp://user:password@host:port, smtps:// for TLS from the start")
    mail_from: str = Field(default="DripPulse <no-reply@localhost>", description="sender of mails without a `from`")
    public_url: str = Field(default="http://127.0.0.1:8000", description="where recipients and API clients reach us")
    secret_key: SecretStr = Field(default=SecretStr(""), description="32 or more characters; signs sessions and links")
    secret_keys_previous: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="earlier secret keys, comma separated, that still decrypt; kept while rotating",
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="addresses or networks of reverse proxies, comma separated, whose X-Forwarded-For is believed",
    )
    egress_allow: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), description="host:port pairs that the SSRF guard lets pass; development only"
    )
    connector_base_urls: dict[str, str] = Field(
        default_factory=dict, description="connector name -> base URL instead of the provider's own (JSON)"
    )
    data_dir: str = Field(default=".drippulse", description="where `up` keeps what it embeds")
    log_level: str = "info"
    lease_seconds: float = Field(default=30, gt=0)
    sweep_seconds: float = Field(default=10, gt=0)
    step_retry_base_seconds: float = Field(default=5, gt=0, description="first retry of a failed step; doubles")
    smtp_timeout_seconds: float = Field(default=20, gt=0)
    rate_limit: int = Field(
        default=600, ge=0, description="requests a minute of a credential without a limit of its own; 0: no limit"
    )
    worker_batch: int = Field(default=200, ge=1, le=2000, description="enrollments claimed at once")
    worker_concurrency: int = Field(default=50, ge=1, le=500, description="calls to other systems in flight per worker")
    import_max_bytes: int = Field(default=1 << 30, ge=1, description="bytes of a file that is imported, at most")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Prometheus port of worker and scheduler; 0: none")
    failpoint: str = Field(default="", description="name of a failpoint at which the process kills itself; tests only")

    @field_validator("egress_allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("secret_keys_previous", "trusted_proxies", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return list(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return [str(network) for network in read_networks(value)]

    @model_validator(mode="after")
    def _refuse_unsafe(self) -> "Settings":
        if self.env is Environment.PRODUCTION:
            if self.egress_allow:
                raise ValueError(
                    "DRIPPULSE_EGRESS_ALLOW opens the SSRF guard and is refused with DRIPPULSE_ENV=production"
                )
            if self.failpoint:
                raise ValueError("DRIPPULSE_FAILPOINT is for tests and is refused with DRIPPULSE_ENV=production")
        secret = self.secret_key.get_secret_value()
        if secret and len(secret) < MINIMUM_SECRET_LENGTH:
            raise ValueError(
                f"DRIPPULSE_SECRET_KEY needs {MINIMUM_SECRET_LENGTH} or more characters, it has {len(secret)}"
            )
        self.database_owner_url = self.database_owner_url or self.database_url
        return self

    @property
    def development(self) -> bool:
        return self.env is Environment.DEVELOPMENT


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        pydantic.ValidationError: a variable is missing or out of range; the message names it.
    """
    return Settings()
