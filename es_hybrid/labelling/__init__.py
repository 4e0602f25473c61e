"""Labels for documents: by what their names mean, or by documents that have one already."""

from es_hybrid.labelling.classify import Classified, Counted, Options, classify

__all__ = ["Classified", "Counted", "Options", "classify"]
