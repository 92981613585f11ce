"""Hands a document that was parsed, limited and validated before the transaction began to Strawberry's execution."""

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from drippulse_graphql.kit.context import Context


class PreparedDocument(SchemaExtension):
    def on_parse(self) -> Iterator[None]:
        context: Context = self.execution_context.context
        self.execution_context.graphql_document = context.document
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield
