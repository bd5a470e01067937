"""What an explanation's numbers are, and how far they can be trusted, in plain words."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_metaexplain._explanation import Explanation

__all__ = ["describe"]

_VALUE_FUNCTIONS = {
    "interventional": (
        "A column counts as left out when its value is replaced by values of background rows, "
        "whatever the other columns are (interventional). Where columns are correlated, this asks "
        "the model about rows that may never occur."
    ),
    "local": (
        "Attributions are of a simple model that imitates the explained one near each row (local); "
        "no column is left out."
    ),
    "intrinsic": (
        "No column is left out: attributions are the terms of which the model itself makes its "
        "prediction (intrinsic)."
    ),
}


def describe(explanation: Explanation, explainer: Any = None) -> list[tuple[str, str]]:
    """Say what the numbers of an explanation are.

    Parameters
    ----------
    explanation : Explanation
        The explanation.
    explainer : explainer, default=None
        The fitted explainer, outside of Pipelines, for what it knows of its own error.

    Returns
    -------
    statements : list of (str, str)
        Subjects and sentences, without markup.
    """
    statements = [
        ("Units", _units(explanation)),
        ("Sum", _sum(explanation)),
        ("Columns left out", _value_function(explanation)),
        ("Whiskers", _whiskers(explanation)),
    ]
    if explainer is not None:
        statements.append(("Error of the explainer", _own_error(explanation, explainer)))
    statements.append(("Cost", _cost(explanation, explainer)))
    return statements


def _units(explanation: Explanation) -> str:
    if explanation.output == "probability":
        return "Differences in probability: +0.1 is ten percentage points more."
    if explanation.output == "log_odds":
        return "Differences in log-odds, log(p / (1 - p)): +0.69 doubles the odds."
    if explanation.estimator_type == "classifier":
        return "Units of the classifier's raw output, not probabilities."
    if explanation.estimator_type == "regressor":
        return "Units of the regressor's prediction."
    return "Units of the model's raw output."


def _sum(explanation: Explanation) -> str:
    if not explanation.additive:
        return "This explainer does not promise that attributions add up to the prediction."
    largest = float(np.abs(explanation.residual).max())
    gap = "exactly" if largest == 0 else f"to within {_short(largest)}"
    return (
        f"Base value and attributions add up to the prediction, {gap}, in all "
        f"{_count(len(explanation), 'row')}."
    )


def _value_function(explanation: Explanation) -> str:
    name = str(explanation.value_function)
    return _VALUE_FUNCTIONS.get(name, f'According to the value function "{name}".')


def _whiskers(explanation: Explanation) -> str:
    if explanation.std is None:
        return "None: the explainer does not state the error of single attributions."
    typical = float(np.median(explanation.std))
    largest = float(explanation.std.max())
    if largest == 0:
        return "None: the explainer states that its attributions are exact."
    size = float(np.sqrt(np.square(explanation.values).mean()))
    return (
        "One standard deviation of the attribution's error each way. Its median is "
        f"{_short(typical)}, its largest {_short(largest)}; the attributions themselves have a "
        f"root mean square of {_short(size)}."
    )


def _own_error(explanation: Explanation, explainer: Any) -> str:
    name = type(explainer).__name__
    error = getattr(explainer, "shapley_error_", None)
    if error is None:
        return f"{name} does not estimate it."
    asked_none = getattr(explainer, "n_evaluations_", None) == 0
    if error == 0 and (explanation.std is None or not explanation.std.any()):
        return f"{name} states that its attributions are exact, at the budget it was made with."
    if error == 0 and not asked_none:
        return (
            f"{name} expects none at the budget it was made with, but these attributions have "
            "standard deviations: see the whiskers."
        )
    spread = getattr(explainer, "shapley_error_se_", None)
    margin = ""
    if spread is not None and max(error, spread) >= 1e-4:
        margin = f" ± {_percent(spread)} (standard error)"
    if asked_none:
        return (
            f"{name} guesses the squared error of its attributions to be {_percent(error)}{margin} "
            "of their squared size where outputs are not given. It asked no model: the guess is "
            "from models of random tasks."
        )
    sentence = (
        f"{name} expects the squared error of its attributions to be {_percent(error)}{margin} of "
        "their squared size, judged by evaluations that it held out when it was fitted."
    )
    if explanation.n_evaluations.max() > 0:
        sentence += " That is without the further evaluations spent on these rows."
    return sentence


def _cost(explanation: Explanation, explainer: Any) -> str:
    least, most = int(explanation.n_evaluations.min()), int(explanation.n_evaluations.max())
    at_fit = getattr(explainer, "n_evaluations_", None)
    if most == 0 and at_fit == 0:
        return f"None: {type(explainer).__name__} asked no model."
    rows = _count(most, "row") if least == most else f"{least:,} to {_count(most, 'row')}"
    if most == 0:
        rows = "no further rows"
    sentence = f"To explain a row, the model was asked for {rows} beyond the row's own prediction."
    if at_fit is not None:
        sentence += f" Fitting the explainer took {_count(int(at_fit), 'row')}, once."
    return sentence


def _short(number: float) -> str:
    if 1e-4 <= number < 1e9:
        digits = max(2, int(np.floor(np.log10(number))) + 1)  # 3524, not 3500
        return np.format_float_positional(number, digits, fractional=False, trim="-")
    return f"{number:.2g}".replace("-", "\N{MINUS SIGN}")  # at a hyphen the line may break


def _percent(share: float) -> str:
    return "less than 0.01 %" if share < 1e-4 else f"{_short(100 * share)} %"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"
