"""What `up` was asked for, and the addresses that follow from it."""

from dataclasses import dataclass
from pathlib import Path

from drippulse_server.env_files import CREDENTIALS_FILE, RUNTIME_FILE, SECRET_FILE
from drippulse_server.instance import LOCK_FILE

WILDCARDS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognized, not bound


@dataclass(frozen=True, slots=True)
class UpOptions:
    """`host` and `port` to listen on; `data_dir` is absolute."""

    host: str
    port: int
    data_dir: Path

    @property
    def connect_host(self) -> str:
        """Where this machine reaches the web process."""
        return WILDCARDS.get(self.host, self.host)

    @property
    def base_url(self) -> str:
        host = self.connect_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def lock_file(self) -> Path:
        return self.data_dir / LOCK_FILE

    @property
    def secret_file(self) -> Path:
        return self.data_dir / SECRET_FILE

    @property
    def credentials_file(self) -> Path:
        return self.data_dir / CREDENTIALS_FILE

    @property
    def runtime_file(self) -> Path:
        return self.data_dir / RUNTIME_FILE

    @property
    def log_file(self) -> Path:
        return self.data_dir / "up.log"
