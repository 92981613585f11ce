"""What goes out of the system routes."""

from pydantic import BaseModel, Field


class HealthOut(BaseModel):
    """Names what works and what does not, nothing more."""

    status: str = Field(description="ok or degraded")
    checks: dict[str, str] = Field(description="postgresql, redis, sweeper -> ok or failed")
