"""`drippulse scheduler`."""

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def scheduler(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Wake the workers for what falls due and take over what a dead worker held. A second one does no harm.

    Example: `drippulse scheduler`
    """
    from drippulse_server.instance import connected_settings

    settings = connected_settings(data_dir, "redis_url")
    from drippulse_workers.run import run_scheduler

    run_scheduler(settings)
