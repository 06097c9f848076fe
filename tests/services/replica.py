"""A streaming replica of an embedded PostgreSQL, made as an operator would, by pg_basebackup."""

import shutil
import subprocess
from pathlib import Path

from tradingplatform.local.children import leave_root
from tradingplatform.local.ports import HOST
from tradingplatform.local.servers import USER, EmbeddedPostgres, postgres_program


def make_replica(primary: EmbeddedPostgres, folder: Path) -> EmbeddedPostgres:
    """Return a replica, not started yet."""
    folder.mkdir(parents=True)
    shutil.copy(primary._password_file, folder / "password")
    connection = f"host={HOST} port={primary.port} user={USER} password={primary._password_file.read_text()}"
    command = [
        str(postgres_program("pg_basebackup")),
        "-d",
        connection,
        "-D",
        str(folder / "data"),
        "--write-recovery-conf",
    ]
    command += ["--checkpoint=fast", "--no-sync"]
    made = subprocess.run(command, capture_output=True, text=True, preexec_fn=leave_root, check=False)
    assert made.returncode == 0, made.stderr
    return EmbeddedPostgres(folder, is_durable=False)
