"""Piccolo's configuration for migrations. The application itself queries through `drippulse.kit.db.DB`."""

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from drippulse.settings import get_settings

DB = PostgresEngine(config={"dsn": get_settings().database_owner_url})
APP_REGISTRY = AppRegistry(apps=["drippulse.piccolo_app"])
