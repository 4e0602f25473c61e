"""Where one server of a node sits: its name, its folders, its ports."""

from dataclasses import dataclass

from es_hybrid.node.folders import Folders


@dataclass(frozen=True)
class Seat:
    """One server that is to be started.

    Attributes:
        name: Of the server; that of the node, with a number behind it where there are several.
        folders: Its own.
        port: For HTTP.
        transport: Where it talks to the others; None takes the first free port.
    """

    name: str
    folders: Folders
    port: int
    transport: int | None = None
