"""Search: the query is embedded -> its legs, one request -> fused -> hits that say why."""

from es_hybrid.search.legs import Leg
from es_hybrid.search.options import Options, Query
from es_hybrid.search.point_in_time import PointInTime
from es_hybrid.search.searcher import AsyncSearcher, Searcher

__all__ = ["AsyncSearcher", "Leg", "Options", "PointInTime", "Query", "Searcher"]
