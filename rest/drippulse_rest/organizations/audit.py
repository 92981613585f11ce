"""`/audit_log`: security-relevant acts."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.pagination import ListRequest
from drippulse.organizations.audit import service
from drippulse.organizations.audit.listing import LISTING
from drippulse.organizations.audit.schemas import AuditList
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import list_route

TAG = "Audit log"


@list_route(
    "/audit_log",
    operation_id="listAuditLog",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Read the audit log",
    answer=AuditList,
    listing=LISTING,
)
async def list_audit_log(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Who did what, from where and when, newest first; at most 500 without paging parameters. Entries cannot be
    changed; they are deleted after `retention.audit_days` of the account, else never."""
    async with request.transaction() as session:
        answer = await service.list_entries(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


ROUTES: Sequence[HTTPRouteHandler] = (list_audit_log,)
