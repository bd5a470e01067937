"""Hybrid rows: some columns of an explained row, the others of a background row."""

from sklearn_metaexplain.masking._mixer import RowPool, hybrid_index
from sklearn_metaexplain.masking._model import MaskedModel
from sklearn_metaexplain.masking._players import Players, resolve_feature_groups

__all__ = ["MaskedModel", "Players", "RowPool", "hybrid_index", "resolve_feature_groups"]
