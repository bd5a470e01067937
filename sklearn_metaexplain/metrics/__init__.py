"""How good explanations are: functions on arrays and callables, and scorers for searches."""

from sklearn_metaexplain.metrics._adversarial import (
    AdversarialRows,
    adversarial_search,
    adversarial_sensitivity,
)
from sklearn_metaexplain.metrics._agreement import (
    feature_agreement,
    rank_agreement,
    sign_agreement,
    top_k_jaccard,
)
from sklearn_metaexplain.metrics._complexity import effective_number, entropy, sparsity
from sklearn_metaexplain.metrics._consistency import consistency
from sklearn_metaexplain.metrics._curve_areas import deletion_auc, insertion_auc
from sklearn_metaexplain.metrics._curves import PerturbationCurve, perturbation_curve
from sklearn_metaexplain.metrics._dummies import dummy_violation
from sklearn_metaexplain.metrics._efficiency import efficiency_residual
from sklearn_metaexplain.metrics._erasure import comprehensiveness, sufficiency
from sklearn_metaexplain.metrics._faithfulness import faithfulness_score
from sklearn_metaexplain.metrics._infidelity import infidelity
from sklearn_metaexplain.metrics._monotonicity import monotonicity
from sklearn_metaexplain.metrics._prediction_gap import (
    prediction_gap_important,
    prediction_gap_unimportant,
)
from sklearn_metaexplain.metrics._robustness import local_lipschitz, max_sensitivity
from sklearn_metaexplain.metrics._scorers import (
    get_explanation_scorer,
    get_explanation_scorer_names,
    make_explanation_scorer,
)
from sklearn_metaexplain.metrics._stability import retraining_stability, seed_stability
from sklearn_metaexplain.metrics._symmetry import symmetry_violation
from sklearn_metaexplain.metrics._truth import shapley_error

__all__ = [
    "AdversarialRows",
    "PerturbationCurve",
    "adversarial_search",
    "adversarial_sensitivity",
    "comprehensiveness",
    "consistency",
    "deletion_auc",
    "dummy_violation",
    "effective_number",
    "efficiency_residual",
    "entropy",
    "faithfulness_score",
    "feature_agreement",
    "get_explanation_scorer",
    "get_explanation_scorer_names",
    "infidelity",
    "insertion_auc",
    "local_lipschitz",
    "make_explanation_scorer",
    "max_sensitivity",
    "monotonicity",
    "perturbation_curve",
    "prediction_gap_important",
    "prediction_gap_unimportant",
    "rank_agreement",
    "retraining_stability",
    "seed_stability",
    "shapley_error",
    "sign_agreement",
    "sparsity",
    "sufficiency",
    "symmetry_violation",
    "top_k_jaccard",
]
