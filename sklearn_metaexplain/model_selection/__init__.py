"""Cross-validation of explanations, and explainers beside each other."""

from sklearn_metaexplain.model_selection._compare import compare_explainers
from sklearn_metaexplain.model_selection._cross_val import cross_val_explain

__all__ = ["compare_explainers", "cross_val_explain"]
