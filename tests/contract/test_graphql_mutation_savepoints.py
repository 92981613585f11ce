"""A refused mutation leaves nothing of its own behind, and nothing of what it wanted done after the commit."""

import httpx

from tests.support.graphql import graphql


async def test_what_a_refused_mutation_wrote_is_undone_and_the_others_stay(client: httpx.AsyncClient) -> None:
    """Its second stage is refused after its first one was written."""
    pipeline = (await client.get("/api/v1/crm/opportunity_pipelines")).json()["pipelines"][0]
    query = """mutation ($good: CreateProjectInput!, $bad: UpdateOpportunityPipelineInput!) {
      bad: updateOpportunityPipeline(input: $bad) { pipeline { id } userErrors { code } }
      good: createProject(input: $good) { project { name } userErrors { code } } }"""
    stages = [{"name": "Trial"}, {"id": "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f", "name": "Nobody's"}]
    bad = {"id": pipeline["id"], "name": "Renamed", "stages": stages}
    data = await graphql(client, query, good={"name": "A"}, bad=bad)
    assert data["bad"] == {"pipeline": None, "userErrors": [{"code": "pipeline_stage_not_found"}]}
    assert data["good"]["project"] == {"name": "A"}
    after = (await client.get(f"/api/v1/crm/opportunity_pipelines/{pipeline['id']}")).json()
    assert (after["name"], after["stages"]) == (pipeline["name"], pipeline["stages"])


async def test_a_violated_constraint_does_not_end_the_operation(client: httpx.AsyncClient) -> None:
    query = """mutation ($project: CreateProjectInput!, $again: CreateProjectInput!) {
      one: createProject(input: $project) { project { id } userErrors { code } }
      two: createProject(input: $again) { project { id } userErrors { code } }
      three: createProject(input: $again) { project { id } userErrors { code } } }"""
    data = await graphql(client, query, project={"name": "A"}, again={"name": "a"})
    assert [data[name]["userErrors"] for name in ("one", "two", "three")] == [
        [],
        [{"code": "project_exists"}],
        [{"code": "project_exists"}],
    ]
    assert [one["name"] for one in (await client.get("/api/v1/projects")).json()["projects"]] == ["A"]
