"""Which output of each of several explanations is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import are_reordered
from sklearn_metaexplain.inspection._read import SelectedOutput, check_explanation, select_output

__all__ = ["same_output"]


def same_output(explanations: Mapping[str, Any], output: Any) -> dict[str, SelectedOutput]:
    """Keep one output of each explanation, the one that is shown of the first.

    Parameters
    ----------
    explanations : mapping of str to Explanation
        By name, at least one.
    output : label or None
        The output. None: what is meant where none is given, of the first explanation.

    Returns
    -------
    chosen : dict of str to SelectedOutput
        By the names of the explanations.

    Raises
    ------
    ValueError
        If the explanations differ in features, units or number of rows, one of them does not have
        the output, or has the rows in another order where each row has a class of its own.
    """
    (first, explanation), *others = explanations.items()
    shown = select_output(explanation, output)
    (label,), labels = shown.explanation.output_names.tolist(), shown.explanation.predicted_labels
    of_predicted = _is_of_predicted(shown.explanation)
    chosen, quantity = {first: shown}, shown.quantity
    for other, one in others:
        one = check_explanation(one)
        _check_comparable(first, shown.explanation, other, one)
        if not of_predicted:
            taken = _take_output(first, label, other, one)
        else:
            if len(set(labels.tolist())) > 1:
                _check_rows(first, shown.explanation, other, one)
            taken = _take_labels(first, labels, other, one)
            if shown.name == "predicted" and one.predicted_labels.tolist() != labels.tolist():
                kind = shown.quantity.removesuffix("the predicted class")
                quantity = f"{kind}the class that {first} predicts"
        chosen[other] = SelectedOutput(taken, shown.name, shown.quantity)
    return {name: one._replace(quantity=quantity) for name, one in chosen.items()}


def _is_of_predicted(explanation: Explanation) -> bool:
    """Whether the only output is another class in each row, as of `for_predicted`."""
    return explanation.labels is not None and explanation.output_names.tolist() == ["predicted"]


def _take_output(first: str, label: Any, other: str, one: Explanation) -> Explanation:
    """The output of that name, or predicted classes if all are that one."""
    names = one.output_names.tolist()
    if label in names:
        return one.for_output(label)
    if _is_of_predicted(one) and set(one.predicted_labels.tolist()) == {label}:
        return one
    raise ValueError(
        f"Of {first!r} the output {label!r} is compared, and {other!r} has {names}; pass an output "
        "that all of them have, or rename output_names by dataclasses.replace."
    )


def _take_labels(first: str, labels: np.ndarray, other: str, one: Explanation) -> Explanation:
    """Of each row the class that is given, whatever is predicted."""
    if _is_of_predicted(one) and one.predicted_labels.tolist() == labels.tolist():
        return one
    outputs = one._positions_of(labels)
    if (outputs >= 0).all():
        return replace(one._with_outputs(outputs, np.array(["predicted"])), labels=labels)
    told = sorted(set(labels.tolist()), key=str)
    raise ValueError(
        f"Of {first!r} the classes {told} that it predicts are compared, and {other!r} has "
        f"{one.output_names.tolist()}, not those of the same rows; pass an output that all of them "
        "have, or explanations of all classes."
    )


def _check_rows(first: str, shown: Explanation, other: str, one: Explanation) -> None:
    """Refuse rows in another order, of which the classes of other rows would be taken."""
    if shown.index is None or one.index is None or not are_reordered(shown.index, one.index):
        return
    raise ValueError(
        f"{other!r} explains the rows in another order than {first!r}, whose predicted classes are "
        "compared row by row; explain the rows in one order, or pass an output."
    )


def _check_comparable(first: str, shown: Explanation, other: str, one: Explanation) -> None:
    for what in ("feature_names", "output"):
        ours, theirs = (np.asarray(getattr(part, what)).tolist() for part in (shown, one))
        if ours != theirs:
            raise ValueError(
                f"{first!r} has {what} {ours} and {other!r} has {theirs}; they must agree."
            )
    if len(shown) != len(one):
        raise ValueError(
            f"{first!r} explains {len(shown)} rows and {other!r} {len(one)}; explain the same rows."
        )
