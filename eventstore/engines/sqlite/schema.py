"""The tables of the journal file. Rows are only ever added: triggers refuse any change, and any append after a hole.

The journal is a table without rowid, so that there is one copy of every byte: with an index beside the table, a flipped
bit could hide in the copy that is not read.
"""

from typing import Final

STATEMENTS: Final = (
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
    CREATE TRIGGER IF NOT EXISTS journal_is_never_updated BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a batch is never changed'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS journal_is_never_deleted BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a batch is never deleted'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS journal_has_no_gap BEFORE INSERT ON journal
    WHEN NEW.seq > 1 AND NOT EXISTS (
        SELECT 1 FROM journal WHERE partition = NEW.partition AND seq = NEW.seq - 1 AND hash = NEW.previous_hash
    )
    BEGIN SELECT RAISE(ABORT, 'the journal has no gap: the batch before this one is missing or another'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS metadata_is_never_updated BEFORE UPDATE ON metadata
    BEGIN SELECT RAISE(ABORT, 'the settings of a store are fixed when it is created'); END
    """,
)
