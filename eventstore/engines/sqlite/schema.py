"""The tables of the two files. In the journal's, rows are only ever added: triggers refuse any change, any append after
a hole, and any removal but that of archived batches.

Tables have no rowid, so that there is one copy of every byte: with an index beside a table, a flipped bit could hide in
the copy that is not read.
"""

from typing import Final

JOURNAL: Final = (
    """
    CREATE TABLE IF NOT EXISTS metadata (
        only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
        store_id TEXT NOT NULL,
        format INTEGER NOT NULL,
        partition_count INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE IF NOT EXISTS journal (
        partition INTEGER NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        batch_id BLOB NOT NULL,
        first_timestamp INTEGER NOT NULL,
        last_timestamp INTEGER NOT NULL,
        commit_count INTEGER NOT NULL,
        event_count INTEGER NOT NULL,
        previous_hash BLOB NOT NULL,
        merkle_root BLOB NOT NULL,
        payload_hash BLOB NOT NULL,
        hash BLOB NOT NULL,
        leaf_prefixes BLOB NOT NULL,
        payload_crc INTEGER NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY (partition, seq)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS forgotten (
        partition INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        manifest_hash BLOB NOT NULL CHECK (length(manifest_hash) = 32),
        PRIMARY KEY (partition, first_seq, last_seq)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS document (
        kind TEXT NOT NULL,
        number INTEGER NOT NULL CHECK (number > 0),
        body BLOB NOT NULL,
        PRIMARY KEY (kind, number)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER IF NOT EXISTS journal_is_never_updated BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a batch is never changed'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS journal_is_deleted_from_only_after_archiving BEFORE DELETE ON journal
    WHEN NOT EXISTS (
        SELECT 1 FROM forgotten WHERE partition = OLD.partition AND OLD.seq BETWEEN first_seq AND last_seq
    ) OR NOT EXISTS (SELECT 1 FROM journal WHERE partition = OLD.partition AND seq > OLD.seq)
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: only an archived batch is ever deleted'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS journal_has_no_gap BEFORE INSERT ON journal
    WHEN NEW.seq > 1 AND NOT EXISTS (
        SELECT 1 FROM journal WHERE partition = NEW.partition AND seq = NEW.seq - 1 AND hash = NEW.previous_hash
    )
    BEGIN SELECT RAISE(ABORT, 'the journal has no gap: the batch before this one is missing or another'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS forgotten_is_never_updated BEFORE UPDATE ON forgotten
    BEGIN SELECT RAISE(ABORT, 'what was archived stays archived'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS forgotten_is_never_deleted BEFORE DELETE ON forgotten
    BEGIN SELECT RAISE(ABORT, 'what was archived stays archived'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS document_is_never_updated BEFORE UPDATE ON document
    BEGIN SELECT RAISE(ABORT, 'documents are append-only'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS document_is_never_deleted BEFORE DELETE ON document
    BEGIN SELECT RAISE(ABORT, 'documents are append-only'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS metadata_is_never_updated BEFORE UPDATE ON metadata
    BEGIN SELECT RAISE(ABORT, 'the settings of a store are fixed when it is created'); END
    """,
)

PAGES: Final = (
    """
    CREATE TABLE IF NOT EXISTS page (
        aggregate_id TEXT NOT NULL,
        first_version INTEGER NOT NULL,
        last_version INTEGER NOT NULL,
        first_timestamp INTEGER NOT NULL,
        last_timestamp INTEGER NOT NULL,
        hash BLOB NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY (aggregate_id, first_version)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS page_time ON page (aggregate_id, first_timestamp)",
    """
    CREATE TABLE IF NOT EXISTS page_position (
        partition INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        state_version INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (partition, seq)
    ) STRICT, WITHOUT ROWID
    """,
)
ADD_STATE_VERSION: Final = "ALTER TABLE page_position ADD COLUMN state_version INTEGER NOT NULL DEFAULT 0"
"""For files from before it was kept; their pages count as made by an unknown version, and are made anew."""
