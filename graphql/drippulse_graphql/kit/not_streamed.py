"""A subscription that came over a transport that answers once."""

from drippulse.kit.errors import BadRequestError


class NotStreamedError(BadRequestError):
    code = "subscription_needs_a_stream"

    def __init__(self) -> None:
        super().__init__(
            "Subscriptions are streams: send this as a WebSocket (graphql-transport-ws), or with the header "
            "Accept: text/event-stream."
        )
