"""The read models' part of the GraphQL schema: accounts and what belongs to them, in Relay connections."""
