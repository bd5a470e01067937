"""A table of numbers with classes."""

import numpy as np
import pytest


@pytest.fixture
def table():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
