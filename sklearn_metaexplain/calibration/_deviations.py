"""What `Explanation.std` is read off, found on tasks of the prior."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import QuantileRegressor

from sklearn_metaexplain.calibration._cases import MOST_ASKED, draw_fitted, log_uniform, quietly
from sklearn_metaexplain.posthoc._own import ask_about_rows
from sklearn_metaexplain.shapley._deviation import EVIDENCE, LEAST_ASKED, LEAST_VARIANCE, POWERS

_SEED = 10**6 + 11
_SHARE, _NORMAL = 0.9, 1.6449
# Share of the outputs' variance that is missed in evaluations held out.
_LEAST_MISSED = 1e-6
# Values of a task, without and with evaluations.
_N_VALUES = 16


class SeenErrors(NamedTuple):
    """Squared errors of some values of a task, and what was seen of them."""

    seen: np.ndarray  # (n, n_powers), `DeviationEvidence.logs`
    squares: np.ndarray  # (n,), in units of the outputs' variance
    was_asked: np.ndarray  # (n,), bool, whether their rows had evaluations of their own


def measure_deviations(
    number: int, pretrained: str | PathLike[str] | None = "default"
) -> SeenErrors | None:
    """Explain a task of the prior with and without evaluations of its rows.

    Parameters
    ----------
    number : int
        Which task; the same number gives the same one.
    pretrained : str, path or None, default="default"
        As in `MetaExplainer`.

    Returns
    -------
    SeenErrors or None
        None where there is nothing to explain.
    """
    with quietly():
        task = draw_fitted(_SEED, number, pretrained)
        if task is None:
            return None
        _, explainer, X, truth, rng = task
        model, surrogate = explainer._masked_model_, explainer._surrogate_
        predictions, can_matter = model.predict(X), model.can_matter(X)
        rows = explainer._encode(X), torch.from_numpy(predictions), torch.from_numpy(can_matter)
        own = ask_about_rows(
            model,
            surrogate,
            X,
            rows[0],
            predictions,
            log_uniform(rng, LEAST_ASKED, MOST_ASKED),
            explainer._row_seed_,
        ).own
        parts = []
        for mine in (None, own):
            answer = surrogate.explain(*rows, mine)
            off = (answer.values - truth)[..., 0] / float(surrogate.scale.spread[0])
            able = can_matter
            if mine is not None:
                # Rows that leave nothing to ask had fewer.
                able = able & (mine.errors.n_asked >= LEAST_ASKED).numpy()[:, None]
            chosen = rng.permutation(np.flatnonzero(able))[:_N_VALUES]
            seen = answer.seen[..., 0, :].reshape(off.size, -1)[chosen]
            squares = np.square(off).ravel()[chosen]
            parts.append((seen, squares, np.full(len(squares), mine is not None)))
        return SeenErrors(*map(np.concatenate, zip(*parts, strict=True)))


def fit_deviations(tasks: Sequence[SeenErrors]) -> dict[str, Any]:
    """Fit powers for which 90% of errors are within 1.645 deviations; all tasks count alike.

    Tasks of which next to nothing is missed are left out: their errors and all that is seen of them
    are as small as is told apart, and powers would have to go through that point.

    Parameters
    ----------
    tasks : sequence of SeenErrors
        A few hundred.

    Returns
    -------
    dict
        "powers" and "log_factors" as `shapley._deviation` has them, and "n_tasks" that were used.

    References
    ----------
    Koenker and Bassett, Regression quantiles, 1978, equation 3.1.
    """
    residual = EVIDENCE.index("residual")
    tasks = [task for task in tasks if (task.seen[:, residual] >= np.log(_LEAST_MISSED)).any()]
    if not tasks:
        raise ValueError("Next to nothing is missed of all tasks: no error to fit; use more tasks.")
    found: dict[str, Any] = {"powers": {}, "log_factors": {}, "n_tasks": len(tasks)}
    for kind, powers in POWERS.items():
        columns = [EVIDENCE.index(name) for name in powers]
        chosen = [task.was_asked == (kind == "asked") for task in tasks]
        pairs = list(zip(tasks, chosen, strict=True))
        seen = np.concatenate([task.seen[mine][:, columns] for task, mine in pairs])
        squares = np.concatenate([task.squares[mine] for task, mine in pairs])
        weight = np.concatenate([np.full(mine.sum(), 1 / max(mine.sum(), 1)) for mine in chosen])
        model = QuantileRegressor(quantile=_SHARE, alpha=0, solver="highs")
        model.fit(seen, np.log(squares + LEAST_VARIANCE), sample_weight=weight)
        found["powers"][kind] = dict(zip(powers, model.coef_.tolist(), strict=True))
        found["log_factors"][kind] = float(model.intercept_ - 2 * np.log(_NORMAL))
    return found
