"""Learners as records for weights files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_metaexplain.learners._anil import ANIL
from sklearn_metaexplain.learners._base import Learner
from sklearn_metaexplain.learners._episodic import Episodic
from sklearn_metaexplain.learners._in_context import InContext
from sklearn_metaexplain.learners._learned_optimizer import LearnedOptimizer
from sklearn_metaexplain.learners._maml import MAML
from sklearn_metaexplain.learners._reptile import Reptile

_CLASSES: dict[str, type[Learner]] = {
    learner.name: learner
    for learner in (InContext, Episodic, MAML, ANIL, Reptile, LearnedOptimizer)
}


def learner_record(learner: Learner) -> dict[str, Any]:
    """Describe a learner in a form that JSON can write.

    Parameters
    ----------
    learner : Learner
        One of this package's.

    Returns
    -------
    record : dict
        Its name and its parameters. What it has learned is in its state, a module, which is
        stored as networks are.

    Raises
    ------
    ValueError
        If the learner is not one of this package's, or a parameter cannot be written.

    See Also
    --------
    learner_from_record : The way back.

    Examples
    --------
    >>> from sklearn_metaexplain.learners import InContext, learner_record
    >>> learner_record(InContext())
    {'name': 'in_context', 'params': {}}
    """
    if _CLASSES.get(getattr(learner, "name", "")) is not type(learner):
        raise ValueError(
            f"{type(learner).__name__} is none of the learners that weights files can name: "
            f"{', '.join(sorted(_CLASSES))}."
        )
    params = learner.get_params()
    return {"name": learner.name, "params": {key: _plain(key, params[key]) for key in params}}


def learner_from_record(record: Mapping[str, Any]) -> Learner:
    """Make a learner again from its record.

    Parameters
    ----------
    record : mapping
        What `learner_record` gave.

    Returns
    -------
    learner : Learner
        With the parameters of the one that was described.

    Raises
    ------
    ValueError
        If there is no such learner, or it has no such parameters.

    See Also
    --------
    learner_record : The way there.

    Examples
    --------
    >>> from sklearn_metaexplain.learners import learner_from_record
    >>> learner_from_record({"name": "maml", "params": {"n_inner_steps": 3}})
    MAML(n_inner_steps=3)
    """
    name = record.get("name")
    if name not in _CLASSES:
        raise ValueError(
            f"The record names the learner {name!r}; this version of sklearn-metaexplain has "
            f"{', '.join(sorted(_CLASSES))}."
        )
    # Unlike the class itself, set_params names the parameters that there are.
    return _CLASSES[name]().set_params(**record.get("params", {}))


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(key, each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"{key}={value!r} cannot be written to a file; give a number, text or None instead."
    )
