"""What the models of enrollments are in the schema."""

from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse_graphql.enrollments.types import Enrollment
from drippulse_graphql.kit.models.outputs import node_of
from drippulse_graphql.kit.mutations import Subject

ENROLLMENT = Subject("Enrollment")
node_of(EnrollmentDetail, Enrollment)
