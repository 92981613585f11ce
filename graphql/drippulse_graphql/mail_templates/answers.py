"""What the models of mail templates are in the schema."""

from drippulse.mail_templates.schemas import MailTemplateOut
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import identified

MAIL_TEMPLATE = Subject("MailTemplate")
identified(MailTemplateOut, MAIL_TEMPLATE.type_name)
