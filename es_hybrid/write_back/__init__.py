"""What a fitted model says of documents is written into them, and kept up with."""

from es_hybrid.write_back.models import KeptModel, kept_models, prune_models
from es_hybrid.write_back.run import WrittenBack, write_back
from es_hybrid.write_back.store import attach, check_field, check_free, detach, keep

__all__ = [
    "KeptModel",
    "WrittenBack",
    "attach",
    "check_field",
    "check_free",
    "detach",
    "keep",
    "kept_models",
    "prune_models",
    "write_back",
]
