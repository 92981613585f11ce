"""What the models of workflows are in the schema."""

from drippulse.enrollments.control_schemas import BulkActionOut, HeldOut, SkippedOut
from drippulse.enrollments.unknown_schemas import ResolveUnknownOut
from drippulse.workflows import conditions, settings
from drippulse.workflows.publishing import schemas as publishing
from drippulse.workflows.schemas import StepOut, TestResult, TestStepOut, WorkflowOut
from drippulse.workflows.simulation import answers as simulation
from drippulse.workflows.simulation import schemas as simulated
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called
from drippulse_graphql.kit.models.outputs import node_of, shown_as
from drippulse_graphql.workflows.types import Step, Workflow

WORKFLOW = Subject("Workflow")
node_of(WorkflowOut, Workflow)
shown_as(StepOut, Step)
called(TestResult, "DryRun")
called(TestStepOut, "DryRunStep")
called(publishing.DraftOut, "WorkflowDraft")
called(publishing.PreviewOut, "PublishingPreview")
called(publishing.PublishedOut, "Publication")
called(publishing.GroupOut, "InFlightGroup")
called(publishing.DiffOut, "WorkflowDiff")
called(publishing.ConflictOut, "ScheduleConflict")
called(publishing.MoveOut, "VersionMove")
called(publishing.ActorOut, "Publisher")
called(simulation.ResultOut, "SimulationResult")
called(simulation.TotalsOut, "SimulationTotals")
called(simulation.SpreadOut, "SimulationSpread")
called(simulation.PathOut, "SimulationPath")
called(simulation.PathStepOut, "SimulationPathStep")
called(simulation.SendsOut, "SimulationSends")
called(simulation.DaySendsOut, "SimulationDay")
called(simulation.WeekdaySendsOut, "SimulationWeekday")
called(simulation.LateOut, "SimulationLateness")
called(simulation.CapOut, "SimulationCap")
called(simulation.DifferenceOut, "SimulationDifference")
called(simulation.ComparisonOut, "SimulationComparison")
called(simulated.Models, "SimulationModels")
called(simulated.Sending, "SimulationSending")
called(simulated.Definition, "SimulationDefinition")
called(simulated.Arrivals, "SimulationArrivals")
called(simulated.Source, "SimulationSource")
called(simulated.ContactSource, "SimulationContacts")
called(simulated.EnrollmentSource, "SimulationRuns")
called(HeldOut, "HeldRuns")
called(SkippedOut, "SkippedRuns")
called(BulkActionOut, "EnrollmentActionResult")
called(ResolveUnknownOut, "UnknownSendsResult")
called(publishing.VersionOut, "WorkflowVersion")
called(publishing.VersionDetailOut, "WorkflowVersionDetail")
called(publishing.VersionDiffOut, "WorkflowVersionDiff")
called(publishing.VersionList, "WorkflowVersionList")
called(publishing.MoveList, "VersionMoveList")
called(settings.Span, "WorkflowSpan")
called(conditions.Condition, "WorkflowCondition")
