"""The mutations of this feature."""

from drippulse_graphql.enrollments.cancel_enrollment import cancel_enrollment
from drippulse_graphql.enrollments.delete_enrollment import delete_enrollment
from drippulse_graphql.enrollments.enroll_contacts import ENROLL_CONTACTS
from drippulse_graphql.enrollments.enroll_crm_contacts import enroll_crm_contacts
from drippulse_graphql.enrollments.pause_enrollment import pause_enrollment
from drippulse_graphql.enrollments.resolve_enrollment import resolve_enrollment
from drippulse_graphql.enrollments.resume_enrollment import resume_enrollment
from drippulse_graphql.enrollments.retry_enrollment import retry_enrollment
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    ENROLL_CONTACTS,
    enroll_crm_contacts,
    pause_enrollment,
    resume_enrollment,
    cancel_enrollment,
    retry_enrollment,
    resolve_enrollment,
    delete_enrollment,
)
