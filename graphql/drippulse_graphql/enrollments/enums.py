"""Enums of enrollments, registered before any type names them."""

import strawberry

from drippulse.enrollments.tables import EnrollmentStatus

__all__ = ["EnrollmentStatus"]

strawberry.enum(EnrollmentStatus)
