"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.workflows.act_on_enrollments import act_on_enrollments
from drippulse_graphql.workflows.create_workflow import create_workflow
from drippulse_graphql.workflows.delete_workflow import delete_workflow
from drippulse_graphql.workflows.drop_workflow_draft import drop_workflow_draft
from drippulse_graphql.workflows.dry_run_workflow import test_workflow
from drippulse_graphql.workflows.pause_step import pause_step
from drippulse_graphql.workflows.pause_workflow import pause_workflow
from drippulse_graphql.workflows.preview_publishing import preview_publishing
from drippulse_graphql.workflows.publish_workflow import publish_workflow
from drippulse_graphql.workflows.resolve_unknown_sends import resolve_unknown_sends
from drippulse_graphql.workflows.restore_workflow_version import restore_workflow_version
from drippulse_graphql.workflows.resume_step import resume_step
from drippulse_graphql.workflows.resume_workflow import resume_workflow
from drippulse_graphql.workflows.save_workflow_draft import save_workflow_draft
from drippulse_graphql.workflows.simulate_workflow import simulate_workflow
from drippulse_graphql.workflows.update_workflow import update_workflow

MUTATIONS: tuple[Declared, ...] = (
    create_workflow,
    update_workflow,
    delete_workflow,
    test_workflow,
    simulate_workflow,
    save_workflow_draft,
    drop_workflow_draft,
    restore_workflow_version,
    preview_publishing,
    publish_workflow,
    pause_workflow,
    resume_workflow,
    pause_step,
    resume_step,
    act_on_enrollments,
    resolve_unknown_sends,
)
