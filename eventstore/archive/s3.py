"""Archive files in an S3 bucket with object lock: nobody, root included, removes one before its retention ends.

The bucket has to be made with object lock enabled. Every object is sent with its SHA-256, which the server checks, in
compliance mode until the date that the archive names, and only if the name is free. Credentials and region are those of
the environment, as with every AWS tool.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from eventstore.archive.avro_schema import instant
from eventstore.archive.errors import ArchiveUnavailable, NotInArchive
from eventstore.archive.storage import check_name, refuse_other_bytes

ATTEMPTS_MAX: Final = 5
TIMEOUT_SECONDS: Final = 30
_TAKEN: Final = ("PreconditionFailed", "ConditionalRequestConflict", "412")
_MISSING: Final = ("NoSuchKey", "404")


class S3Storage:
    """Keeps files as locked objects of one bucket."""

    def __init__(self, *, bucket: str, endpoint_url: str | None = None) -> None:
        self.bucket = bucket
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            config=Config(
                connect_timeout=TIMEOUT_SECONDS,
                read_timeout=TIMEOUT_SECONDS,
                retries={"mode": "standard", "max_attempts": ATTEMPTS_MAX},
            ),
        )

    def put(self, name: str, content: bytes, *, retain_until: int) -> None:
        """Write an object under compliance lock until `retain_until`."""
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with self._errors(name):
            try:
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=check_name(name),
                    Body=content,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=checksum,
                    IfNoneMatch="*",
                    ObjectLockMode="COMPLIANCE",
                    ObjectLockRetainUntilDate=instant(retain_until),
                )
            except ClientError as error:
                if _code(error) not in _TAKEN:
                    raise
                if self.get(name) != content:
                    raise refuse_other_bytes(name) from error

    def get(self, name: str) -> bytes:
        """Return an object, its checksum verified by the client."""
        with self._errors(name):
            answer = self._client.get_object(Bucket=self.bucket, Key=check_name(name), ChecksumMode="ENABLED")
            content: bytes = answer["Body"].read()
            return content

    def names(self) -> list[str]:
        """Return the names of all objects."""
        with self._errors(""):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            return sorted(item["Key"] for page in pages for item in page.get("Contents", ()))

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if _code(error) in _MISSING:
                raise NotInArchive(f"s3://{self.bucket}/{name} is not there: restore it from a copy") from error
            raise ArchiveUnavailable(
                f"S3 bucket {self.bucket} refused {name or 'to be listed'} ({error}): check that it exists, has object "
                "lock enabled, and that the credentials may put and get objects and their retention"
            ) from error
        except BotoCoreError as error:
            raise ArchiveUnavailable(f"S3 bucket {self.bucket} cannot be used ({error})") from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
