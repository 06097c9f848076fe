"""The local stack: PostgreSQL, Valkey and every process of the platform on one machine, without root or Docker.

Start reading at run.py. Nothing here is needed where the servers are run by somebody else.
"""

from pathlib import Path
from typing import Final

SERVICES_FILE: Final = Path("run") / "services.env"
"""Where the addresses of the started servers are, in the data folder: settings/variables.py reads it."""
