"""What a fake provider leaves behind: nothing."""

import gc
import socket
from urllib.parse import urlsplit

from drippulse_connector_sdk.testing import FakeProvider


def test_who_comes_when_it_stops_is_let_go() -> None:
    """A socket that is left to the garbage collector would be an error of whatever test it comes in."""
    for _ in range(20):
        with FakeProvider() as provider:
            place = urlsplit(provider.url)
            client = socket.create_connection((place.hostname, place.port))
        client.close()
        gc.collect()
