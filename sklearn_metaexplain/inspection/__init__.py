"""Pictures of explanations and of models, as scikit-learn's Displays."""

from sklearn_metaexplain.inspection._adaptation import AdaptationDisplay
from sklearn_metaexplain.inspection._ale import accumulated_local_effects
from sklearn_metaexplain.inspection._ale_display import ALEDisplay
from sklearn_metaexplain.inspection._attribution import AttributionDisplay
from sklearn_metaexplain.inspection._beeswarm import BeeswarmDisplay
from sklearn_metaexplain.inspection._comparison import ComparisonDisplay
from sklearn_metaexplain.inspection._curve import CurveDisplay
from sklearn_metaexplain.inspection._dependence import DependenceDisplay
from sklearn_metaexplain.inspection._embedding import EmbeddingDisplay
from sklearn_metaexplain.inspection._heatmap import HeatmapDisplay
from sklearn_metaexplain.inspection._prototype import PrototypeDisplay
from sklearn_metaexplain.inspection._report import report
from sklearn_metaexplain.inspection._scatter import ScatterDisplay

__all__ = [
    "ALEDisplay",
    "AdaptationDisplay",
    "AttributionDisplay",
    "BeeswarmDisplay",
    "ComparisonDisplay",
    "CurveDisplay",
    "DependenceDisplay",
    "EmbeddingDisplay",
    "HeatmapDisplay",
    "PrototypeDisplay",
    "ScatterDisplay",
    "accumulated_local_effects",
    "report",
]
