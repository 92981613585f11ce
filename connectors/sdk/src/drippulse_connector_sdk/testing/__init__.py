"""The contract suite for connectors, and a real local HTTP server to run it against. Needs the extra `testing`.

    from drippulse_connector_sdk.testing import ConnectorContract

    class TestContract(ConnectorContract):
        connector_class = AcmeConnector
        sample_payloads = {"create_ticket": {"subject": "Hello"}}

pytest loads this module as a plugin (entry point `pytest11`), which gives every test the fixture `fake_provider`.
"""

from collections.abc import Generator

import pytest

pytest.register_assert_rewrite("drippulse_connector_sdk.testing._contract")

from drippulse_connector_sdk.testing._contract import ConnectorContract  # noqa: E402 -- after its asserts are registered
from drippulse_connector_sdk.testing._samples import canary_credentials  # noqa: E402
from drippulse_connector_sdk.testing._server import FakeProvider, RecordedRequest, Reply  # noqa: E402

__all__ = ["ConnectorContract", "FakeProvider", "RecordedRequest", "Reply", "canary_credentials", "fake_provider"]


@pytest.fixture
def fake_provider() -> Generator[FakeProvider]:
    """A provider on this machine, alive for one test; answers 200 `{}` until told otherwise."""
    with FakeProvider() as provider:
        yield provider
