"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.organizations.change_password import change_password
from drippulse_graphql.organizations.create_api_key import create_api_key
from drippulse_graphql.organizations.invite_team_member import invite_team_member
from drippulse_graphql.organizations.pause_organization import pause_organization
from drippulse_graphql.organizations.remove_team_member import remove_team_member
from drippulse_graphql.organizations.resend_invitation import resend_invitation
from drippulse_graphql.organizations.resume_organization import resume_organization
from drippulse_graphql.organizations.revoke_api_key import revoke_api_key
from drippulse_graphql.organizations.update_account import update_account
from drippulse_graphql.organizations.update_account_billing import update_account_billing
from drippulse_graphql.organizations.update_team_member import update_team_member

MUTATIONS: tuple[Declared, ...] = (
    update_account,
    update_account_billing,
    change_password,
    create_api_key,
    revoke_api_key,
    invite_team_member,
    resend_invitation,
    update_team_member,
    remove_team_member,
    pause_organization,
    resume_organization,
)
