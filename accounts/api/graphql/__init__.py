"""GraphQL over HTTP, whatever the schema: documents, limits, execution, the page to explore it with."""
