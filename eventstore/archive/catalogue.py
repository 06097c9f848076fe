"""What is archived: the manifests that the store's documents record, by partition, in order and without a hole."""

import bisect
from typing import NamedTuple

from eventstore.archive.errors import ArchiveError
from eventstore.archive.manifest import KIND, Manifest, decode_manifest, manifest_hash
from eventstore.archive.signing import Verify
from eventstore.engines.base import Documents


class Recorded(NamedTuple):
    """A manifest of the catalogue."""

    manifest: Manifest
    encoded: bytes

    @property
    def hash(self) -> bytes:
        """The hash under which removals name it."""
        return manifest_hash(self.encoded)


class Catalogue:
    """The recorded manifests, every signature checked. `refresh` takes in what was recorded since."""

    def __init__(self, documents: Documents, *, verify: Verify) -> None:
        self._documents = documents
        self._verify = verify
        self._partitions: dict[int, list[Recorded]] = {}
        self.last_number = 0

    def refresh(self) -> None:
        """Take in new documents; raises ArchiveError for one that is no manifest or does not follow the others."""
        for document in self._documents.documents(kind=KIND, after=self.last_number):
            where = f"archive document {document.number}"
            manifest = decode_manifest(document.body, verify=self._verify, where=where)
            if document.number != self.last_number + 1 or manifest.first_seq != self.archived_through(
                manifest.partition
            ) + 1:  # fmt: skip
                raise ArchiveError(
                    f"{where} (partition {manifest.partition}, seq {manifest.first_seq}) does not follow the ones "
                    "before it: documents were removed or added by hand"
                )
            self._partitions.setdefault(manifest.partition, []).append(Recorded(manifest, document.body))
            self.last_number = document.number

    def recorded(self, partition: int) -> list[Recorded]:
        """Return a partition's manifests, in order."""
        return self._partitions.get(partition, [])

    def archived_through(self, partition: int) -> int:
        """Return the last archived seq of a partition, 0 for none."""
        found = self._partitions.get(partition)
        return found[-1].manifest.last_seq if found else 0

    def covering(self, partition: int, seq: int) -> Recorded | None:
        """Return the manifest of the file that holds a batch."""
        found = self._partitions.get(partition, [])
        place = bisect.bisect_left(found, seq, key=lambda recorded: recorded.manifest.last_seq)
        return found[place] if seq > 0 and place < len(found) else None
