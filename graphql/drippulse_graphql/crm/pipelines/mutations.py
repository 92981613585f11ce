"""The mutations of this feature."""

from drippulse_graphql.crm.pipelines.create_pipeline import create_opportunity_pipeline
from drippulse_graphql.crm.pipelines.delete_pipeline import delete_opportunity_pipeline
from drippulse_graphql.crm.pipelines.reorder_opportunities import reorder_opportunities
from drippulse_graphql.crm.pipelines.set_default_pipeline import set_default_opportunity_pipeline
from drippulse_graphql.crm.pipelines.update_pipeline import update_opportunity_pipeline
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    create_opportunity_pipeline,
    update_opportunity_pipeline,
    delete_opportunity_pipeline,
    set_default_opportunity_pipeline,
    reorder_opportunities,
)
