"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.mail_templates.create_mail_template import create_mail_template
from drippulse_graphql.mail_templates.delete_mail_template import delete_mail_template
from drippulse_graphql.mail_templates.update_mail_template import update_mail_template

MUTATIONS: tuple[Declared, ...] = (
    create_mail_template,
    update_mail_template,
    delete_mail_template,
)
