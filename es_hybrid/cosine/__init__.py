"""Is the cosine similarity of learned embeddings about similarity?

It depends on how the model was regularised, and under one common objective is arbitrary: a
diagonal matrix that no prediction sees decides it (Steck et al. 2024, arXiv 2403.05440). The
closed forms, the paper's simulation and its remedies stand here; ``scripts/cosine-paper`` draws
the figure.
"""

from es_hybrid.cosine.factorisation import (
    RESCALINGS,
    Factors,
    Spectrum,
    objective_1,
    objective_2,
    spectrum,
)
from es_hybrid.cosine.remedies import smoothed, standardised, train_normalised
from es_hybrid.cosine.similarities import cosine_similarities, same_cluster_auc
from es_hybrid.cosine.simulation import Interactions, simulated

__all__ = [
    "RESCALINGS",
    "Factors",
    "Interactions",
    "Spectrum",
    "cosine_similarities",
    "objective_1",
    "objective_2",
    "same_cluster_auc",
    "simulated",
    "smoothed",
    "spectrum",
    "standardised",
    "train_normalised",
]
