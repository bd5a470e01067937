"""Whether several explanations name the same columns as important."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.metrics._outputs import attributions_of, chosen_outputs, of_outputs
from sklearn_metaexplain.metrics._similarity import cosine

__all__ = ["consistency"]


def consistency(explanations: Mapping[object, Explanation] | Iterable[Explanation]) -> float:
    """Mean pairwise cosine similarity of the importances in several explanations.

    An explanation's importances are the means over its rows of the absolute attributions to the
    class that is predicted for each row, or to each target of a regressor. Compared are for
    instance explanations of several models of one table, of one model by several explainers, or of
    models of several tasks on the same columns. Rows, outputs and units may differ: only the
    proportions of importances count.

    Parameters
    ----------
    explanations : iterable or mapping of Explanation
        At least two, with the same features in the same order.

    Returns
    -------
    score : float
        Between 0 and 1, higher is more alike. An explanation of zeros alone is like none but those
        of zeros.

    Raises
    ------
    ValueError
        If there are fewer than two explanations, one has no rows or attributions that are NaN or
        infinite, or their features differ.
    TypeError
        If something else than Explanations is passed.

    See Also
    --------
    seed_stability : The same explainer with other seeds, row by row.
    retraining_stability : The same explainer with other training rows, row by row.

    Notes
    -----
    How likely it is that explanations of equally good models differ is the subject of [1]_.

    References
    ----------
    .. [1] A. Fisher, C. Rudin and F. Dominici, "All models are wrong, but many are useful: Learning
       a variable's importance by studying an entire class of prediction models simultaneously",
       JMLR 20(177), 2019. https://jmlr.org/papers/v20/18-760.html

    Examples
    --------
    >>> from dataclasses import replace
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import consistency
    >>> first = Explanation(
    ...     [[[3.0], [-4.0]]], [0.0], [[-1.0]], feature_names=["a", "b"], output_names=["y"],
    ...     output="raw", n_evaluations=0,
    ... )
    >>> second = replace(first, values=[[[8.0], [6.0]]], predictions=[[14.0]])
    >>> round(consistency([first, second]), 6)
    0.96
    """
    if isinstance(explanations, Explanation):
        raise TypeError("consistency compares several explanations; pass a list of them.")
    named = explanations if isinstance(explanations, Mapping) else dict(enumerate(explanations))
    importances = []
    features = None
    for name, explanation in named.items():
        if not isinstance(explanation, Explanation):
            raise TypeError(
                f"explanations must be Explanations; {name!r} is a {type(explanation).__name__}."
            )
        if len(explanation) == 0:
            raise ValueError(f"Explanation {name!r} has no rows.")
        features = explanation.feature_names.tolist() if features is None else features
        if explanation.feature_names.tolist() != features:
            raise ValueError(
                f"Explanation {name!r} has the features {explanation.feature_names.tolist()}, the "
                f"first one {features}; explain the same columns in all."
            )
        attributions = np.abs(attributions_of(explanation, f"Explanation {name!r}"))
        sizes = [of_outputs(attributions, outputs) for outputs in chosen_outputs(explanation).T]
        # Targets may be in different units.
        shares = [size.mean(axis=0) / (size.mean() or 1.0) for size in sizes]
        importances.append(np.mean(shares, axis=0))
    if len(importances) < 2:
        raise ValueError(f"At least two explanations are compared; got {len(importances)}.")
    pairs = combinations(importances, 2)
    return float(np.mean([cosine(left[None], right[None]) for left, right in pairs]))
