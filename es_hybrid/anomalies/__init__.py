"""Anomalies: documents unlike the others, by what is far away in the space of their vectors."""

from es_hybrid.anomalies.anomalies import Anomalies, Odd, anomalies
from es_hybrid.anomalies.options import METHODS, Options

__all__ = ["METHODS", "Anomalies", "Odd", "Options", "anomalies"]
