"""Whether attributions add up to the prediction."""

from __future__ import annotations

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.base import sizes_of
from sklearn_metaexplain.metrics._outputs import (
    chosen_outputs,
    explains_classifier,
    without_rounding,
)

__all__ = ["efficiency_residual"]


@validate_params({"explanation": [Explanation]}, prefer_skip_nested_validation=True)
def efficiency_residual(explanation: Explanation) -> float:
    """How much of the predictions base values and attributions miss.

    The absolute gaps between the predictions and the sums of base values and attributions, over
    the absolute differences of predictions and base values; of the class that is predicted for
    each row, or of each target of a regressor.

    Parameters
    ----------
    explanation : Explanation
        What is judged, also if it does not claim to be additive.

    Returns
    -------
    residual : float
        Not negative, lower is better: 0 if attributions add up, 1 is what attributions of zero
        get. Where no prediction differs from its base value: 0 without gaps, else infinity; what
        is no more than rounding of the outputs is neither a difference nor a gap. Targets of a
        regressor are averaged. NaN if there are no rows.

    Raises
    ------
    ValueError
        If attributions, base values or predictions are NaN or infinite.

    See Also
    --------
    dummy_violation : Columns that do not matter must get nothing.
    symmetry_violation : Columns that do the same must get the same.

    References
    ----------
    .. [1] S. M. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions",
       NeurIPS, 2017 ("local accuracy"). https://arxiv.org/abs/1705.07874

    Examples
    --------
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import efficiency_residual
    >>> explanation = Explanation(
    ...     [[[3.0], [-1.0]]], [1.0], [[5.0]], feature_names=["a", "b"], output_names=["y"],
    ...     output="raw", additive=False, n_evaluations=0,
    ... )
    >>> efficiency_residual(explanation)
    0.5
    """
    if len(explanation) == 0:
        return float("nan")
    to_explain = explanation.predictions - explanation.base_values
    gaps = to_explain - explanation.values.sum(axis=1)
    if not np.isfinite(gaps).all():
        raise ValueError("The explanation has NaN or infinite values.")
    sizes = sizes_of(explanation, share_classes=explains_classifier(explanation))
    parts = without_rounding(np.stack([gaps, to_explain], axis=1), sizes)
    chosen = chosen_outputs(explanation)[:, None]
    missed, size = np.abs(np.take_along_axis(parts, chosen, axis=2)).sum(axis=0)
    nothing = np.where(missed > 0, np.inf, 0.0)
    return float(np.where(size > 0, missed / np.where(size > 0, size, 1.0), nothing).mean())
