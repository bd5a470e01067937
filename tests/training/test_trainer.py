"""What a run says of itself, and how it ends."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from skorch.history import History

from sklearn_metaexplain.training._trainer import summary
from tests.training.families import OneColumnTells, tiny_trainer


def test_every_epoch_is_printed(capsys):
    fitted = tiny_trainer(n_steps=4, steps_per_epoch=2, meta_batch_size=2, verbose=1).fit(
        OneColumnTells()
    )
    assert len(fitted.history_) == 2
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown if line.split()[0].isdigit()] == ["1", "2"]


def test_summary_counts_the_steps_that_were_taken():
    # With repeats an epoch has more steps than it draws.
    rows = [
        {"dur": 30.0, "train_batch_count": count, "valid_loss": loss}
        for count, loss in ((6, 0.5), (9, 0.25))
    ]
    told = summary(SimpleNamespace(history=History(rows)), "corrector_")
    assert told == {
        "corrector_steps": 15,
        "corrector_minutes": 1.0,
        "corrector_valid_loss": pytest.approx(0.25),
    }


_AFTER_THREADS = """
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from tests.training.families import OneColumnTells, tiny_trainer

def fit():
    X = np.random.default_rng(0).normal(size=(300, 3))
    HistGradientBoostingRegressor(max_iter=2, max_leaf_nodes=3).fit(X, X[:, 0])

class Fitting(OneColumnTells):
    def sample(self, rng):
        fit()
        return super().sample(rng)

fit()
tiny_trainer(n_steps=2, steps_per_epoch=1, meta_batch_size=1, n_jobs=2).fit(Fitting())
print("trained")
"""


def test_workers_do_not_wait_for_threads_that_their_parent_had():
    """Processes that draw tasks are forked, and OpenMP's threads are not."""
    told = subprocess.run(
        [sys.executable, "-c", _AFTER_THREADS],
        env=os.environ | {"OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.stdout.strip() == "trained", told.stderr
