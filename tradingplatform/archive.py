"""What the archive of this installation is made of: a folder or an S3 bucket, and the keys that sign its manifests."""

from collections.abc import Callable

from django.conf import settings

from accounts.codec import account_codec
from eventstore.archive.engine import ArchivedEngine
from eventstore.archive.provider import ArchiveSetup, set_archive_setup
from eventstore.archive.storage import ArchiveStorage, FolderStorage, S3Storage
from eventstore.audit.signing_keys import Ed25519Signer, verifier
from eventstore.engines.base import Engine
from eventstore.engines.sqlite import SQLiteEngine


def wire_archive(make_engine: Callable[[], Engine]) -> None:
    """Tell the commands what the archive is made of; nothing is opened yet."""
    set_archive_setup(
        ArchiveSetup(
            make_storage=make_archive_storage,
            make_signer=lambda: Ed25519Signer(settings.EVENT_STORE_SIGNING_KEY),
            verify=verifier(settings.EVENT_STORE_SIGNING_KEY),
            retention_days=settings.EVENT_RETENTION_DAYS,
            make_engine=make_engine,
            make_local_engine=SQLiteEngine,
            make_codec=account_codec,
        )
    )


def with_archive(engine: Engine) -> ArchivedEngine:
    """Return an engine that reads removed batches from the archive."""
    return ArchivedEngine(engine, make_archive_storage(), verify=verifier(settings.EVENT_STORE_SIGNING_KEY))


def make_archive_storage() -> ArchiveStorage:
    """Return where the settings say that archive files are kept."""
    if settings.ARCHIVE_S3_BUCKET:
        return S3Storage(bucket=settings.ARCHIVE_S3_BUCKET, endpoint_url=settings.ARCHIVE_S3_ENDPOINT or None)
    return FolderStorage(settings.ARCHIVE_PATH)
