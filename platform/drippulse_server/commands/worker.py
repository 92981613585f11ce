"""`drippulse worker`."""

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def worker(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Run enrollment steps: claim what is due, execute it, commit it. Start as many as you need, on any host.

    Example: `drippulse worker`
    """
    from drippulse_server.instance import connected_settings

    settings = connected_settings(data_dir, "redis_url", "smtp_url", "secret_key")
    from drippulse_workers.run import run_worker

    run_worker(settings)
