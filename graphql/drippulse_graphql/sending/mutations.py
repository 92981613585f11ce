"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.sending.create_suppression import create_suppression
from drippulse_graphql.sending.delete_suppression import delete_suppression
from drippulse_graphql.sending.reset_sending_breaker import reset_sending_breaker
from drippulse_graphql.sending.rotate_bounce_webhook import rotate_bounce_webhook
from drippulse_graphql.sending.update_sending import update_sending

MUTATIONS: tuple[Declared, ...] = (
    update_sending,
    reset_sending_breaker,
    rotate_bounce_webhook,
    create_suppression,
    delete_suppression,
)
