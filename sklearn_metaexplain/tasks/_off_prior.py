"""The warning that a model is unlike all that the explanation networks were trained on."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import torch

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.exceptions import OffPriorWarning
from sklearn_metaexplain.nets._autoencoder_file import PretrainedAutoencoder, load_autoencoder
from sklearn_metaexplain.nets._prior_reference import N_HYBRIDS, Pass, measure_task, standardise

_OFF_PRIOR_QUANTILE = 0.95
# The widest tables of the prior; the reference says nothing of wider ones.
_MOST_COLUMNS = 30


def warn_if_off_prior(encoded: np.ndarray, outputs: np.ndarray, *, seed: int) -> float | None:
    """Warn if a model is reconstructed worse than nearly all models of the prior.

    The task autoencoder reads 128 of the evaluated hybrid rows and reconstructs the outputs of
    128 others; of several outputs, the one that varies most. Where the vector lies does not
    count: a table unlike those of the prior does no harm while its outputs can be told.

    Parameters
    ----------
    encoded : ndarray of shape (n_support, m, 2)
        Encoded hybrid rows.
    outputs : ndarray of shape (n_support, n_outputs)
        The model's outputs on them.
    seed : int
        Seed of which rows are read.

    Returns
    -------
    quantile : float or None
        Share of the prior's models that are reconstructed better; above 0.95 there is a warning.
        None where there is nothing to compare: fewer than 256 rows, more than 30 encoded columns,
        or constant outputs.
    """
    if len(outputs) < 2 * N_HYBRIDS or encoded.shape[1] > _MOST_COLUMNS:
        return None
    rows = np.random.RandomState(seed).permutation(len(outputs))[: 2 * N_HYBRIDS]
    most_varied = outputs[rows].std(0).argmax()
    standardised = standardise(torch.from_numpy(outputs[rows][:, [most_varied]])).float()
    if standardised.shape[1] == 0:
        return None
    pretrained = _load_once()
    task = Pass(torch.from_numpy(encoded[rows]).float(), standardised[:, 0])
    measured = measure_task(pretrained.network, [task], N_HYBRIDS)
    quantile = pretrained.reference.error_quantile("hybrids", measured.error)
    if quantile > _OFF_PRIOR_QUANTILE:
        told = max(0.0, 1 - measured.error)
        warnings.warn(
            f"{told:.0%} of the variance of the model's outputs can be told from {N_HYBRIDS} of "
            f"its evaluations, less than for {quantile:.0%} of the models that the networks were "
            "trained on. Explanations may be far off: look at shapley_error_, ask about each "
            "explained row (budget=), or raise n_support.",
            OffPriorWarning,
            stacklevel=stacklevel_of_caller(),
        )
    return quantile


@lru_cache(maxsize=1)
def _load_once() -> PretrainedAutoencoder:
    # Nobody else sees these modules, and reading the file costs more than the check.
    return load_autoencoder("default")
