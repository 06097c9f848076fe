"""The settings decide where the archive is, and the platform's store reads through it."""

from eventstore.archive.engine import ArchivedEngine
from eventstore.archive.provider import get_archive_setup
from eventstore.archive.storage import FolderStorage, S3Storage
from tradingplatform.bootstrap import make_archive_storage, open_store


def test_the_archive_is_a_folder_unless_a_bucket_is_named(settings, tmp_path):
    settings.ARCHIVE_PATH = tmp_path / "archive"
    storage = make_archive_storage()
    assert isinstance(storage, FolderStorage)
    assert storage.folder == tmp_path / "archive"
    settings.ARCHIVE_S3_BUCKET = "bucket"
    settings.ARCHIVE_S3_ENDPOINT = "http://127.0.0.1:9"
    storage = make_archive_storage()
    assert isinstance(storage, S3Storage)
    assert storage.bucket == "bucket"


def test_the_platform_reads_its_store_through_the_archive(settings, tmp_path):
    settings.EVENT_STORE_PATH = tmp_path / "events"
    with open_store() as store:
        assert isinstance(store.engine, ArchivedEngine)
        assert get_archive_setup().retention_days == settings.EVENT_RETENTION_DAYS
