"""Narrow families of tasks that a small network learns in a few steps."""

import numpy as np
import pandas as pd
import torch

from sklearn_metaexplain.learners import SupervisedEpisode
from sklearn_metaexplain.training import MetaTrainer, TableTasks

#: Of the smallest classifier.
TINY = {"encoder": {"width": 4, "n_heads": 2, "n_layers": 0}}


def one_column_tells(rng, n_rows=24):
    """Two classes that one column out of three tells apart."""
    X, y = rng.normal(size=(n_rows, 3)), np.repeat(["no", "yes"], n_rows // 2)
    X[y == "yes", rng.integers(3)] += 3
    return X, y


def frame(seed=0, n_rows=30):
    """Text, categories, numbers with gaps and dates; the text tells the classes apart."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n_rows) % 3)
    number = rng.normal(size=n_rows)
    number[::5] = np.nan
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(99, size=n_rows), unit="D")
    return pd.DataFrame(
        {
            "town": np.array(["Rome", "Oslo", "Lima"], dtype=object)[y],
            "size": pd.Categorical(rng.choice(["small", "large"], n_rows)),
            "number": number,
            "day": day,
            "constant": 1.0,
        }
    ), np.array(["a", "b", "c"])[y]


class OneColumnTells:
    """Ever new tables of `one_column_tells`."""

    def sample(self, rng):
        return TableTasks([one_column_tells(rng)], n_support=12).sample(rng)


class Interrupted:
    """A distribution that fails once it has been asked so many times."""

    def __init__(self, tasks, n_draws, error=OSError):
        self.tasks, self.n_draws, self.error = tasks, n_draws, error

    def sample(self, rng):
        self.n_draws -= 1
        if self.n_draws < 0:
            raise self.error("the power is gone")
        return self.tasks.sample(rng)


class Lines:
    """Straight lines through zero, for networks of one's own."""

    def sample(self, rng):
        x = torch.from_numpy(rng.normal(size=(6, 1))).float()
        y = 2.0 * x + 0.1 * rng.normal()
        return SupervisedEpisode(x[:3], y[:3], x[3:], y[3:])


def tiny_trainer(network="prototype", **changes):
    """A trainer of few steps, the same in every process."""
    settings = {"validation_tasks": 2, "network_params": TINY, "random_state": 0}
    return MetaTrainer(network, **{**settings, **changes})
