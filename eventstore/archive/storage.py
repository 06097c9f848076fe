"""Where archive files are kept: the port, a folder, and an S3 bucket with object lock. A file is written once,
whole, and never changed.

`put` returns after the bytes are durable under their name. Putting the same bytes again is fine; putting others under a
name that is taken is refused. Names are relative paths of letters, digits, dots, dashes and slashes.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from eventstore.errors import ArchiveError, ArchiveUnavailable, NotInArchive
from eventstore.record import instant_of

READ_ONLY: Final = 0o444
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(/[A-Za-z0-9][A-Za-z0-9.-]*)*")


class ArchiveStorage(Protocol):
    """Files by name."""

    def put(self, name: str, content: bytes, *, retain_until: int) -> None:
        """Write a file for good; `retain_until` (UTC microseconds) is a promise where the storage can hold it."""

    def get(self, name: str) -> bytes:
        """Return a file; raises NotInArchive or ArchiveUnavailable."""

    def names(self) -> list[str]:
        """Return the names of all files, in order."""


def check_name(name: str) -> str:
    """Return a name that is one; raises ArchiveError, also for names that would leave the folder."""
    if not _NAME.fullmatch(name):
        raise ArchiveError(f"{name!r} is not the name of an archive file")
    return name


def refuse_other_bytes(name: str) -> ArchiveError:
    """Return the error of a name that is taken."""
    return ArchiveError(f"the archive already has {name}, with other bytes: archive files are never changed")


class FolderStorage:
    """Keeps files in a folder: written under a temporary name, synced, renamed, read-only from then on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: bytes, *, retain_until: int) -> None:
        """Write a file; the folder itself cannot hold the promise of `retain_until`."""
        path = self.folder / check_name(name)
        with self._errors():
            if path.exists():
                if path.read_bytes() != content:
                    raise refuse_other_bytes(name)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(READ_ONLY)
            temporary.rename(path)
            for folder in (path.parent, *path.parent.parents):
                _sync(folder)
                if folder == self.folder.parent:
                    break

    def get(self, name: str) -> bytes:
        """Return a file."""
        path = self.folder / check_name(name)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotInArchive(f"{path} is not there: restore it from a copy of the archive") from error
        except OSError as error:
            raise ArchiveUnavailable(f"{path} cannot be read ({error})") from error

    def names(self) -> list[str]:
        """Return the names of all files but temporary ones."""
        with self._errors():
            found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            return sorted(str(path.relative_to(self.folder)) for path in found)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArchiveUnavailable(
                f"the archive folder {self.folder} cannot be used ({error}): check that it can be written and has room"
            ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


ATTEMPTS_MAX: Final = 5
TIMEOUT_SECONDS: Final = 30
_TAKEN: Final = ("PreconditionFailed", "ConditionalRequestConflict", "412")
_MISSING: Final = ("NoSuchKey", "404")


class S3Storage:
    """Keeps files as locked objects of one bucket: nobody, root included, removes one before its retention ends.

    The bucket has to be made with object lock enabled. Every object is sent with its SHA-256, which the server checks,
    in compliance mode until the date that the archive names, and only if the name is free. Credentials and region are
    those of the environment, as with every AWS tool.
    """

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
                    ObjectLockRetainUntilDate=instant_of(retain_until),
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
