"""Where records are kept, and what is seen from outside (S17, S18)."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from messages.settings.value_types import Count, Port, upper


class LogLevel(StrEnum):
    """The least severe messages that are logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class RecordSettings(BaseModel):
    """Records and observability (S17, S18)."""

    # S17 Persistence. Neither database_url nor db_host: SQLite in the data directory.
    database_url: SecretStr | None = None
    db_host: str | None = None
    db_port: Port = 5433
    db_name: str | None = None
    db_user: str | None = None
    db_password: SecretStr | None = None
    db_pool_size: Count = 10
    db_max_overflow: Annotated[int, Field(ge=0)] = 20

    # S18 Observability.
    log_level: Annotated[LogLevel, BeforeValidator(upper)] = LogLevel.INFO
    debug: bool = False
    environment: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "production"
    metrics_port: Port = 8000


def record_problems(settings: RecordSettings) -> list[str]:
    """What does not fit together here, and what is allowed."""
    if settings.database_url is not None or settings.db_host is None:
        return []
    wanted = {"DB_NAME": settings.db_name, "DB_USER": settings.db_user}
    return [f"{name} is missing: DB_HOST is set, so it is needed too" for name, value in wanted.items() if not value]
