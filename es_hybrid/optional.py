"""Libraries that only some jobs need: imported when one is done, and missed with a way out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from es_hybrid.errors import EsHybridError


def library(
    name: str, *, extra: str, needs: str, raised: type[EsHybridError] = EsHybridError
) -> Any:
    """A module of a library that may be missing.

    Args:
        name: of the module, such as ``scipy.stats``.
        extra: of es_hybrid that brings it.
        needs: how the error begins, such as ``clusters need``.
        raised: class of the error.

    Raises:
        EsHybridError: it is not installed; names the extra.
    """
    try:
        return import_module(name)
    except ImportError:
        raise raised(f"{needs}: pip install 'es_hybrid[{extra}]'") from None


def sklearn(part: str, *, needs: str) -> Any:
    """A part of scikit-learn, such as ``cluster``.

    Raises:
        EsHybridError: it is not installed; begins with `needs`.
    """
    return library(f"sklearn.{part}", extra="analysis", needs=needs)
