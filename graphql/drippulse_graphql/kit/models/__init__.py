"""GraphQL types made of the pydantic models that REST reads and answers, so that no field is written twice."""
