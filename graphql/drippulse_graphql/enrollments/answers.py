"""What the models of enrollments are in the schema."""

from drippulse.enrollments.explaining import schemas as explaining
from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse_graphql.enrollments.types import Enrollment
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called
from drippulse_graphql.kit.models.outputs import node_of

ENROLLMENT = Subject("Enrollment")
node_of(EnrollmentDetail, Enrollment)
called(explaining.ExplanationOut, "EnrollmentExplanation")
called(explaining.EntryOut, "ExplainedEntry")
called(explaining.ConditionOut, "ExplainedCondition")
called(explaining.LedByOut, "ExplainedCause")
called(explaining.HereOut, "ExplainedPlace")
called(explaining.HoldOut, "ExplainedHold")
called(explaining.LeaseHeldOut, "ExplainedLease")
called(explaining.WaitingOut, "ExplainedWait")
called(explaining.NextStepOut, "ExplainedNextStep")
called(explaining.NextSendOut, "ExplainedNextSend")
called(explaining.NotSentOut, "ExplainedSkip")
called(explaining.ReceivedOut, "ExplainedDelivery")
called(explaining.MoveOut, "ExplainedMove")
called(explaining.PinnedOut, "ExplainedVersion")
called(explaining.BeganOut, "ExplainedBeginning")
