"""Diagnosis: what an index's vectors look like, and whether their cosine means anything."""

from es_hybrid.diagnosis.advice import Advice
from es_hybrid.diagnosis.diagnosis import SAMPLE, Diagnosis, diagnose

__all__ = ["SAMPLE", "Advice", "Diagnosis", "diagnose"]
