"""Fingerprints, by which networks, losses and tasks are known again in another process."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from functools import partial
from types import CodeType, MethodType
from typing import Any

import joblib
import numpy as np
import pandas as pd
import torch
from torch import nn

# Deep enough for a list of batches of groups of tasks; what refers to itself ends there.
_MOST_LEVELS = 8
# Every module has these; of parameters, buffers and submodules its state and its text tell.
_OF_ANY_MODULE = frozenset(vars(nn.Module()))
# What objectives note while they judge.
_NOTES = frozenset({"accuracy"})


def fingerprint(value: Any) -> str:
    """Hash what tells a value from others.

    Parameters
    ----------
    value : object
        Modules, tensors, functions, numbers and text, and what holds them; of other objects,
        their class and their attributes.

    Returns
    -------
    digest : str
        The same in another process.
    """
    return hashlib.sha256(in_words(value).encode()).hexdigest()[:32]


def in_words(value: Any) -> str:
    """Write what `fingerprint` hashes, short enough to be read where `value` is simple."""
    return json.dumps(_told(value, _MOST_LEVELS), sort_keys=True)


def _told(value: Any, levels: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor):
        value = value if value.layout == torch.strided else value.to_dense()
        return [str(value.dtype), _array(value.detach().cpu())]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if levels == 0:
        return _name(type(value))
    if isinstance(value, Mapping):
        # Keys as they are written: 1 is not "1".
        return {repr(key): _told(each, levels - 1) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return [list(value.shape), [_told(each, levels - 1) for each in value.ravel()]]
    if isinstance(value, list | tuple):
        return [_told(each, levels - 1) for each in value]
    if isinstance(value, nn.Module):
        return _module(value, levels)
    if isinstance(value, MethodType):
        return [_told(part, levels - 1) for part in (value.__func__, value.__self__)]
    if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        return [_name(type(value)), joblib.hash(value)]
    if isinstance(value, partial):
        return [_told(part, levels - 1) for part in (value.func, value.args, value.keywords)]
    if hasattr(value, "__qualname__"):
        return _function(value, levels)
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(_told(each, levels - 1), sort_keys=True) for each in value)
    if hasattr(value, "__dict__"):
        return [_name(type(value)), _told(vars(value), levels - 1)]
    try:
        return [_name(type(value)), hashlib.sha256(pickle.dumps(value)).hexdigest()]
    except Exception:  # of what cannot be pickled, what it is
        return _name(type(value))


def _array(tensor: torch.Tensor) -> Any:
    # numpy has no such type.
    tensor = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return _told(tensor.numpy(), 1)


def _module(module: nn.Module, levels: int) -> Any:
    own = {
        name: {
            key: each
            for key, each in vars(part).items()
            if key not in _OF_ANY_MODULE and key not in _NOTES
        }
        for name, part in module.named_modules()
    }
    parts = (module.state_dict(), own)
    return [_name(type(module)), repr(module), *(_told(part, levels - 1) for part in parts)]


def _function(function: Any, levels: int) -> Any:
    """The name of a function or class; of one without a name of its own also what it does."""
    name, code = _name(function), getattr(function, "__code__", None)
    if "<" not in name or code is None:
        return name
    cells = [_content(cell) for cell in function.__closure__ or ()]
    given = [function.__defaults__, function.__kwdefaults__, cells]
    return [name, _code(code), _told(given, levels - 1)]


def _code(code: CodeType) -> Any:
    constants = [
        _code(each) if isinstance(each, CodeType) else _constant(each) for each in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), constants]


def _constant(value: Any) -> str:
    # The order of a set is another in the next process.
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # of a name that is given its value later
        return None


def _name(named: Any) -> str:
    return f"{named.__module__}.{named.__qualname__}"
