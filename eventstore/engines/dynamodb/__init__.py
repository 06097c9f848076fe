"""The DynamoDB engine: one conditional put for each batch, correct with any number of writers on any machines."""

from eventstore.engines.dynamodb.engine import DynamoDBEngine

__all__ = ["DynamoDBEngine"]
