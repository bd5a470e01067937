"""How good explanations are: functions on arrays and callables, and scorers for searches."""

from sklearn_metaexplain.metrics._faithfulness import faithfulness_score
from sklearn_metaexplain.metrics._scorers import (
    get_explanation_scorer,
    get_explanation_scorer_names,
    make_explanation_scorer,
)
from sklearn_metaexplain.metrics._truth import shapley_error

__all__ = [
    "faithfulness_score",
    "get_explanation_scorer",
    "get_explanation_scorer_names",
    "make_explanation_scorer",
    "shapley_error",
]
