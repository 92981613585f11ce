"""What the models of lead forms are in the schema."""

from drippulse.lead_forms.schemas import Enroll, FormField, LeadFormOut, SubmissionList, SubmissionOut
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called, identified

LEAD_FORM = Subject("LeadForm")
identified(LeadFormOut, LEAD_FORM.type_name)
called(Enroll, "LeadFormEnrollment")
called(FormField, "LeadFormField")
called(SubmissionOut, "LeadFormSubmission")
called(SubmissionList, "LeadFormSubmissionList")
