"""The two tables, and how they are made: on demand, restorable to any second, not to be deleted by mistake."""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError, WaiterError

from eventstore.engines.dynamodb.client import Client
from eventstore.engines.dynamodb.items import EXPIRES_AT
from eventstore.errors import StoreUnavailable

EVENTS_BY_TIME: Final = "by-first-timestamp"
PAGES_BY_TIME: Final = "by-first-timestamp"
RESTORABLE_DAYS: Final = 35

_NOT_KNOWN: Final = frozenset({"UnknownOperationException", "ValidationException"})


def events_table(prefix: str) -> str:
    """Return the name of the journal's table."""
    return f"{prefix}-events"


def snapshots_table(prefix: str) -> str:
    """Return the name of the table of pages and documents."""
    return f"{prefix}-snapshots"


def create_tables(client: Client, *, prefix: str) -> Iterator[str]:
    """Make what is missing of the tables and their settings; yield a line for each thing that was done or found.

    May be run again at any time. Raises StoreUnavailable when DynamoDB refuses, ConfigurationMismatch without access.
    """
    for definition in (_events(prefix), _snapshots(prefix)):
        name = definition["TableName"]
        try:
            client.call("create_table", answers={"ResourceInUseException"}, **definition)
        except ClientError:
            yield f"{name}: is there already"
        else:
            yield f"{name}: made, on-demand billing, deletion protection"
        try:
            client.boto3.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        except WaiterError as error:
            raise StoreUnavailable(f"{name} did not become active in two minutes: run this again ({error})") from error
        yield _restorable(client, name)
        yield _expiring(client, name)


def _restorable(client: Client, name: str) -> str:
    settings = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": RESTORABLE_DAYS}
    try:
        client.call(
            "update_continuous_backups", answers=_NOT_KNOWN, TableName=name, PointInTimeRecoverySpecification=settings
        )
    except ClientError:
        return f"{name}: point-in-time recovery is not known to {client.where}"
    return f"{name}: restorable to any second of the last {RESTORABLE_DAYS} days"


def _expiring(client: Client, name: str) -> str:
    try:
        client.call(
            "update_time_to_live",
            answers={"ValidationException"},
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT},
        )
    except ClientError as error:
        if "already" in str(error):
            return f"{name}: what is archived expires already"
        raise StoreUnavailable(f"{client.where} refused the expiry of {name}: {error}") from error
    return f"{name}: what is archived expires"


def _events(prefix: str) -> dict[str, Any]:
    return {
        "TableName": events_table(prefix),
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "AttributeDefinitions": [_number("p"), _number("s"), _number("t")],
        "KeySchema": [_hash("p"), _range("s")],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": EVENTS_BY_TIME,
                "KeySchema": [_hash("p"), _range("t")],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


def _snapshots(prefix: str) -> dict[str, Any]:
    return {
        "TableName": snapshots_table(prefix),
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}, _number("v"), _number("t")],
        "KeySchema": [_hash("a"), _range("v")],
        "LocalSecondaryIndexes": [
            {
                "IndexName": PAGES_BY_TIME,
                "KeySchema": [_hash("a"), _range("t")],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


def _number(name: str) -> dict[str, str]:
    return {"AttributeName": name, "AttributeType": "N"}


def _hash(name: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": "HASH"}


def _range(name: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": "RANGE"}
