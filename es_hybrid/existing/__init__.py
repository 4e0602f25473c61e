"""Indices that exist already: they get vectors, have their own proven, or are made anew."""

from es_hybrid.existing.adopt import Adopted, adopt
from es_hybrid.existing.enrich import enrich
from es_hybrid.existing.into import enrich_into
from es_hybrid.existing.rebuild import Rebuilt, rebuild
from es_hybrid.existing.report import Enriched
from es_hybrid.existing.rollback import RolledBack, rollback
from es_hybrid.existing.survey import Survey, survey

__all__ = [
    "Adopted",
    "Enriched",
    "Rebuilt",
    "RolledBack",
    "Survey",
    "adopt",
    "enrich",
    "enrich_into",
    "rebuild",
    "rollback",
    "survey",
]
