"""What a run says of itself, and how it ends."""

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
