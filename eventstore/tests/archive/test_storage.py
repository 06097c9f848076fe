"""Both storages, the S3 one against a real server on this machine: written once, whole, and never changed."""

import base64
import hashlib
import os
import uuid
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from eventstore.archive.storage import FolderStorage, S3Storage
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import ArchiveError, ArchiveUnavailable, NotInArchive
from eventstore.record import instant_of
from eventstore.tests.archive.scenario import Scenario, everything

RETAIN_UNTIL = 4_000_000_000_000_000


@pytest.fixture(scope="module")
def server():
    """The address of an S3 server that lives as long as this module's tests."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return boto3.client("s3", endpoint_url=server)


@pytest.fixture
def bucket(client):
    name = f"archive-{uuid.uuid4()}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture(params=["folder", "s3"])
def storage(request, tmp_path, server):
    if request.param == "folder":
        return FolderStorage(tmp_path / "archive")
    request.getfixturevalue("client")
    return S3Storage(bucket=request.getfixturevalue("bucket"), endpoint_url=server)


def test_what_was_put_is_got_and_listed(storage):
    assert storage.names() == []
    storage.put("partition-000/b.avro", b"\x00\xff" * 1_000, retain_until=RETAIN_UNTIL)
    storage.put("a.json", b"{}", retain_until=RETAIN_UNTIL)
    assert storage.names() == ["a.json", "partition-000/b.avro"]
    assert storage.get("partition-000/b.avro") == b"\x00\xff" * 1_000


def test_the_same_bytes_may_be_put_again_and_others_are_refused(storage):
    storage.put("a.avro", b"one", retain_until=RETAIN_UNTIL)
    storage.put("a.avro", b"one", retain_until=RETAIN_UNTIL)
    with pytest.raises(ArchiveError, match=r"already has a\.avro, with other bytes"):
        storage.put("a.avro", b"two", retain_until=RETAIN_UNTIL)
    assert storage.get("a.avro") == b"one"


def test_a_file_that_is_not_there_is_named(storage):
    with pytest.raises(NotInArchive, match=r"missing\.avro is not there"):
        storage.get("missing.avro")


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "a//b", ".a", ""])
def test_a_name_that_leaves_the_archive_is_refused(storage, name):
    with pytest.raises(ArchiveError, match="is not the name of an archive file"):
        storage.put(name, b"", retain_until=RETAIN_UNTIL)
    with pytest.raises(ArchiveError, match="is not the name of an archive file"):
        storage.get(name)
    assert storage.names() == []


class TestFolder:
    def test_files_are_read_only_and_no_temporary_one_is_left(self, tmp_path):
        storage = FolderStorage(tmp_path)
        storage.put("p/a.avro", b"one", retain_until=RETAIN_UNTIL)
        assert [path.name for path in (tmp_path / "p").iterdir()] == ["a.avro"]
        assert (tmp_path / "p" / "a.avro").stat().st_mode & 0o777 == 0o444

    def test_a_temporary_file_is_not_listed(self, tmp_path):
        (tmp_path / ".a.avro.77").write_bytes(b"half")
        assert FolderStorage(tmp_path).names() == []

    def test_a_folder_that_cannot_be_used_is_named(self, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(ArchiveUnavailable, match="the archive folder"):
            FolderStorage(tmp_path / "file").put("p/a.avro", b"one", retain_until=RETAIN_UNTIL)
        assert os.listdir(tmp_path) == ["file"]


class TestS3:
    def test_an_object_is_locked_in_compliance_mode_with_its_checksum(self, client, bucket, server):
        retain_until = datetime.now(UTC) + timedelta(days=2_557)
        S3Storage(bucket=bucket, endpoint_url=server).put(
            "a.avro", b"one", retain_until=int(retain_until.timestamp() * 1_000_000)
        )
        head = client.head_object(Bucket=bucket, Key="a.avro", ChecksumMode="ENABLED")
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert abs(head["ObjectLockRetainUntilDate"] - retain_until) < timedelta(seconds=1)
        assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"one").digest()).decode()
        with pytest.raises(ClientError):
            client.delete_object(Bucket=bucket, Key="a.avro", VersionId=head["VersionId"])
        assert S3Storage(bucket=bucket, endpoint_url=server).get("a.avro") == b"one"

    def test_a_bucket_that_is_not_there_is_named(self, client, server):
        with pytest.raises((ArchiveUnavailable, NotInArchive), match="no-such-bucket"):
            S3Storage(bucket="no-such-bucket", endpoint_url=server).put("a.avro", b"one", retain_until=RETAIN_UNTIL)

    def test_an_endpoint_that_does_not_answer_is_named(self, client):
        storage = S3Storage(bucket="some-bucket", endpoint_url="http://127.0.0.1:9")
        with pytest.raises(ArchiveUnavailable, match="S3 bucket some-bucket cannot be used"):
            storage.get("a.avro")

    def test_a_store_is_archived_to_it_and_read_from_it(self, client, bucket, server, tmp_path):
        scenario = Scenario(MemoryEngine(), tmp_path, days=9)
        whole = everything(scenario.bare)
        now = int(datetime.now(UTC).timestamp() // 86_400)
        storage = S3Storage(bucket=bucket, endpoint_url=server)
        manifests, removals = scenario.archive(8, now=now, storage=storage)
        assert sum(removal.removed for removal in removals) == 14
        assert everything(scenario.wrapped(storage)) == whole
        head = client.head_object(Bucket=bucket, Key=manifests[0].file)
        assert head["ObjectLockRetainUntilDate"] == instant_of((now + 10) * 86_400 * 1_000_000)
