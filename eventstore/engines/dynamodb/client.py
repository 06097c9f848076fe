"""Calls to DynamoDB: retried when it is safe, translated into our own errors when they fail.

boto3's own retries are off: it would send a conditional put again after a lost answer, and the put that had happened
would look like somebody else's. What may be sent again is decided here, call by call.
"""

import ipaddress
import os
import random
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSOError,
    TokenRetrievalError,
)

from eventstore.errors import ConfigurationMismatch, EventStoreError, OutcomeUnknown, StoreUnavailable

CONNECTIONS_MAX: Final = 32
CONNECT_TIMEOUT_SECONDS: Final = 3
READ_TIMEOUT_SECONDS: Final = 10
TRIES_MAX: Final = 8
TRYING_SECONDS_MAX: Final = 15
"""After so long nothing is tried once more: a server that hangs would hold each caller, and its thread, for minutes."""
LIMIT_GROWTH: Final = 8
LIMIT_FACTOR_MAX: Final = 512
PAUSE_SECONDS_FIRST: Final = 0.05
PAUSE_SECONDS_MAX: Final = 2.0

_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "LimitExceededException",
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_NOT_SENT: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
_WRITES: Final = frozenset(
    {"batch_execute_statement", "batch_write_item", "put_item", "transact_write_items", "update_item"}
)
CONDITIONS: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})
"""Codes that are an answer rather than a failure: what was asked to stand there does not."""
_NO_ACCESS: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)

Item = dict[str, dict[str, Any]]
"""An item as boto3 has it: by attribute, its type and value."""


class Client:
    """One boto3 client, shared by the threads of a process. `pause` waits between tries."""

    def __init__(self, *, endpoint_url: str | None, region: str, pause: Callable[[float], None] = time.sleep) -> None:
        self.where = endpoint_url or f"DynamoDB in {region}"
        self._pause = pause
        credentials = {}
        if endpoint_url and _is_loopback(endpoint_url) and "AWS_ACCESS_KEY_ID" not in os.environ:
            credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}  # Any will do there.
        try:
            self.boto3 = boto3.session.Session(**credentials).client(
                "dynamodb",
                endpoint_url=endpoint_url,
                region_name=region,
                config=Config(
                    retries={"total_max_attempts": 1},
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    read_timeout=READ_TIMEOUT_SECONDS,
                    max_pool_connections=CONNECTIONS_MAX,
                    tcp_keepalive=True,
                    parameter_validation=False,  # Half of the client's time; every request here is made in one place.
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationMismatch(
                f"DynamoDB cannot be used ({error}): check DYNAMODB_ENDPOINT and DYNAMODB_REGION"
            ) from error

    def call(
        self,
        operation: str,
        *,
        is_idempotent: bool = True,
        answers: Collection[str] = CONDITIONS,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Send a request; raises ClientError for a code among `answers`, else StoreUnavailable or OutcomeUnknown.

        What was refused before it was looked at (throttled, not connected) is sent again, with longer and longer
        random pauses. What may have happened is sent again only if that is the same as sending it once; a write of
        which one try may have happened is never said not to have.
        """
        method = getattr(self.boto3, operation)
        may_have_happened = False
        tries, deadline = 0, time.monotonic() + TRYING_SECONDS_MAX
        for attempt in range(TRIES_MAX):
            if attempt:
                if time.monotonic() > deadline:
                    break
                self.pause(attempt)
            tries += 1
            try:
                answer: dict[str, Any] = method(**parameters)
            except ClientError as error:
                if code_of(error) in answers:
                    raise
                reason: Exception = error
                failure, is_unclear = self._failure(error), _status_of(error) >= 500
            except _NO_CREDENTIALS as error:
                reason, failure, is_unclear = error, self.no_access(str(error)), False
            except BotoCoreError as error:  # Either no connection was made, or it broke while the answer was awaited.
                reason, failure, is_unclear = error, None, not isinstance(error, _NOT_SENT)
            else:
                return answer
            may_have_happened |= is_unclear and operation in _WRITES
            if failure is not None and not may_have_happened:
                raise failure from reason
            if failure is not None or (may_have_happened and not is_idempotent):
                break
        if may_have_happened:
            raise OutcomeUnknown(f"{self.where} did not answer ({reason}): it may have been written") from reason
        raise StoreUnavailable(f"{self.where} failed {tries} times in a row ({reason}): try again later") from reason

    def query(self, *, table: str, limit: int | None = None, **parameters: Any) -> Iterator[Item]:
        """Yield the items of a strongly consistent query, page after page of at most 1 MB, and no more than `limit`."""
        found, factor = 0, 1
        parameters |= {"TableName": table, "ConsistentRead": True}
        while True:
            if limit is not None:
                parameters["Limit"] = (limit - found) * factor
            answer = self.call("query", **parameters)
            items = answer["Items"] if limit is None else answer["Items"][: limit - found]
            yield from items
            found += len(items)
            parameters["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
            if not parameters["ExclusiveStartKey"] or (limit is not None and found >= limit):
                return
            if answer["ScannedCount"] > answer["Count"]:  # DynamoDB's Limit counts what a filter then leaves out.
                factor = min(factor * LIMIT_GROWTH, LIMIT_FACTOR_MAX)

    def pause(self, attempt: int = 3) -> None:
        """Wait a random while before something is tried again."""
        longest = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_FIRST * 2**attempt)
        self._pause(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret.

    def no_access(self, detail: str) -> StoreUnavailable:
        """Return the error for credentials that are missing or not enough."""
        return StoreUnavailable(
            f"{self.where} gives no access ({detail}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role, "
            "that may read and write the tables"
        )

    def _failure(self, error: Any) -> EventStoreError | None:
        """Return our own error where trying again is known to be of no use, None where it may be of use."""
        code = code_of(error)
        if code in _THROTTLED or _status_of(error) >= 500:
            return None
        if code in _NO_ACCESS:
            return self.no_access(f"{code}: {error.response['Error'].get('Message', '')}")
        if code == "ResourceNotFoundException":
            return missing_table(self.where)
        return StoreUnavailable(f"{self.where} refused the request: {error}")


def code_of(error: Any) -> str:
    """Return AWS's code of a ClientError."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _status_of(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))


def missing_table(where: str) -> EventStoreError:
    """Return the error for tables that are not there."""
    return ConfigurationMismatch(
        f"{where} has no tables of this store: run `manage.py create_event_tables`, or check DYNAMODB_REGION and "
        "EVENT_STORE_TABLE_PREFIX"
    )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
