"""Real nodes for tests, and the folder that they need."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import DownloadFailed, JavaNotFound
from es_hybrid.node import DEFAULT_VERSION, TEST_JAVA_OPTIONS, Node

VERSION = os.environ.get("ES_HYBRID_TEST_VERSION", DEFAULT_VERSION)


@contextmanager
def room(what: str) -> Iterator[Path]:
    """A folder for nodes alone; pytest's own would be closed to the server's account."""
    folder = Path(tempfile.mkdtemp(prefix=f"es-hybrid-{what}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def started(root: Path, **options: Any) -> Node:
    """A running node, or a skip where none can be; downloads are shared with ordinary use."""
    node = Node(version=VERSION, root=root, java_options=TEST_JAVA_OPTIONS, **options)
    try:
        node.up()
    except (JavaNotFound, DownloadFailed) as error:
        pytest.skip(f"no Elasticsearch can be started here: {error}")
    return node
