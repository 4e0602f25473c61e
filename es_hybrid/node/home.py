"""Where the embedded Elasticsearch keeps its files."""

import os
from pathlib import Path


def default_home() -> Path:
    """Return the folder for downloads, servers and nodes; it need not exist yet.

    ``ES_HYBRID_HOME`` wins. Root gets a folder below ``/var/lib``, because its own home is
    closed to the unprivileged account that runs the server; everyone else gets the
    usual place for user data, ``$XDG_DATA_HOME`` or ``~/.local/share``.
    """
    if chosen := os.environ.get("ES_HYBRID_HOME"):
        return Path(chosen).expanduser().absolute()
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/es-hybrid")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "es-hybrid"
