"""What opens a secured node: who to trust, and as whom to log in."""

import ssl
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import NodeFailed

USER = "elastic"  # Elasticsearch's own superuser, there from the start


@dataclass(frozen=True)
class Access:
    """The two files that open a secured node.

    Attributes:
        ca_certs: The certificate of its authority, PEM.
        password_file: The password of :data:`USER`; only who started the node may read it.
    """

    ca_certs: Path
    password_file: Path

    def password(self) -> str:
        """Return the password.

        Raises:
            NodeFailed: The file cannot be read.
        """
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise NodeFailed(
                f"the password of the secured node cannot be read ({error}): run as the user who "
                "started it, or give a key or an account of your own"
            ) from error

    def context(self) -> ssl.SSLContext:
        """Return what verifies the node's certificate, and nobody else's."""
        return ssl.create_default_context(cafile=str(self.ca_certs))

    def header(self) -> dict[str, str]:
        """Return the header that logs in."""
        login = b64encode(f"{USER}:{self.password()}".encode()).decode()
        return {"Authorization": f"Basic {login}"}
