"""Meta-training from tasks to weights that estimators take."""

import json
import pickle
import warnings
from itertools import chain, count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from torch import nn

from sklearn_metaexplain import (
    AttentionClassifier,
    MatchingClassifier,
    MetaExplainer,
    PrototypeClassifier,
)
from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain.exceptions import ExplanationWarning
from sklearn_metaexplain.learners import (
    ANIL,
    MAML,
    EpisodeLoss,
    Episodic,
    InContext,
    LearnedOptimizer,
    Reptile,
    SupervisedEpisode,
    SupervisedObjective,
    learner_record,
)
from sklearn_metaexplain.nets._classifier_weights import save_classifier
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._labelled_table import LabelledEncoder
from sklearn_metaexplain.nets._table_objective import AttentionObjective, TableObjective
from sklearn_metaexplain.nets._weights_file import load_part
from sklearn_metaexplain.training import (
    MetaTrainer,
    ModelTasks,
    SyntheticModels,
    TableTasks,
    _trainer,
)
from tests.training.families import (
    TINY,
    Interrupted,
    Lines,
    OneColumnTells,
    frame,
    one_column_tells,
)

LEARNERS = {
    "in context": InContext(),
    "episodic": Episodic(n_way=2, n_shot=4),
    "maml": MAML(inner_lr=0.1),
    "meta-sgd": MAML(inner_lr=0.1, first_order=True, learn_lr=True),
    "anil": ANIL(inner_lr=0.1),
    "reptile": Reptile(inner_lr=0.1, n_inner_steps=2),
    "learned optimizer": LearnedOptimizer(n_inner_steps=2, hidden_size=4),
}
SETTINGS = {
    "n_steps": 6,
    "steps_per_epoch": 3,
    "meta_batch_size": 3,
    "validation_tasks": 3,
    "network_params": TINY,
    "random_state": 0,
}


def trainer(network="prototype", **changes):
    return MetaTrainer(network, **{**SETTINGS, **changes})


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(first[k].equal(second[k]) for k in first)


def with_learned_rates(path, **changes):
    """Train weights whose inner steps are large enough to be seen; save them."""
    learner = MAML(inner_lr=0.5, n_inner_steps=2, learn_lr=True, first_order=True)
    fitted = trainer(learner=learner, n_steps=3, lr=0.05, **changes).fit(OneColumnTells())
    fitted.save(path)
    return fitted


@pytest.fixture(scope="module")
def adapting(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "maml.safetensors"
    return with_learned_rates(path), path


@pytest.fixture(scope="module")
def start():
    """Weights where all trainers of the same seed start: those of one without any rate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return weights(trainer(lr=1e-12, n_steps=1).fit(OneColumnTells()).network_)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_beats_its_start_on_new_tables(name, start, tmp_path):
    learner = LEARNERS[name]
    lr = {"reptile": None, "learned optimizer": 0.02}.get(name, 0.05)
    fitted = trainer(learner=learner, lr=lr).fit(OneColumnTells())
    assert fitted.n_steps_ == 6
    assert len(fitted.history_) == 2
    assert fitted.validation_loss_ < fitted.initial_loss_
    assert fitted.learner_ is not learner
    after = fitted.evaluate(OneColumnTells(), 6)
    fitted.save(tmp_path / "file.safetensors")
    record = load_part(tmp_path / "file.safetensors", "learner", {})[1]["training"]
    assert record["learner"]["name"] == learner.name
    assert record["steps"] == 6
    # The same trainer, where it started.
    module = fitted.net_.module_
    module.network.load_state_dict(start)
    if module.state is not None:
        module.state.load_state_dict(learner.make_state(module.network).state_dict())
    before = fitted.evaluate(OneColumnTells(), 6)
    gain = before.losses - after.losses
    assert gain.mean() > 2 * gain.std(ddof=1) / 6**0.5


def test_what_comes_out_depends_on_the_seed_alone(tmp_path):
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    first = trainer().fit(OneColumnTells())
    again = clone(first).fit(OneColumnTells())
    by_processes = trainer(n_jobs=2).fit(OneColumnTells())
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    assert torch.random.get_rng_state().equal(torch_state)
    assert same(weights(first.network_), weights(again.network_))
    assert same(weights(first.network_), weights(by_processes.network_))
    other = trainer(random_state=1).fit(OneColumnTells())
    assert not same(weights(first.network_), weights(other.network_))
    assert first.save(tmp_path / "a") != other.save(tmp_path / "b")
    assert [row["train_loss"] for row in first.history_] == [
        row["train_loss"] for row in again.history_
    ]


def test_going_on_ends_where_it_would_have_ended(tmp_path):
    learner = MAML(inner_lr=0.1, learn_lr=True, first_order=True)
    settings = {
        "learner": learner,
        "n_steps": 5,
        "steps_per_epoch": 2,
        "meta_batch_size": 2,
        "validation_tasks": 2,
        "lr": 0.05,
    }
    folder = tmp_path / "run"
    # Two tasks held out, eight by which a run is known, an epoch of two steps of two, and a step
    # and a half.
    with pytest.raises(OSError, match="power"):
        trainer(run_dir=folder, **settings).fit(Interrupted(OneColumnTells(), 2 + 8 + 4 + 3))
    resumed = trainer(run_dir=folder, **settings).fit(OneColumnTells())
    straight = trainer(**settings).fit(OneColumnTells())
    for fitted in (resumed, straight):
        assert [row["train_batch_count"] for row in fitted.history_] == [2, 2, 1]
    assert same(weights(straight.network_), weights(resumed.network_))
    assert same(weights(straight.state_), weights(resumed.state_))
    assert straight.validation_loss_ == resumed.validation_loss_
    # A run that is done is not gone on with, and a folder is of one run.
    done = trainer(run_dir=folder, **settings).fit(OneColumnTells())
    assert same(weights(done.network_), weights(resumed.network_))
    assert done.n_steps_ == 5
    for changed, name in (
        ({"lr": 0.5}, "lr"),
        ({"learner": InContext()}, "learner"),
        ({"random_state": 3}, "seed, network, validation tasks, training tasks"),
    ):
        with pytest.raises(ValueError, match=rf"run_dir=.* other settings \({name}\); give what"):
            trainer(run_dir=folder, **{**settings, **changed}).fit(OneColumnTells())


def test_a_run_does_not_go_on_with_other_training_tasks(tmp_path):
    rng = np.random.default_rng(0)
    ours, theirs, held_out = ([one_column_tells(rng) for _ in range(4)] for _ in range(3))
    settings = {"run_dir": tmp_path, "n_steps": 1, "lr": 0.05}
    first = trainer(**settings).fit(ours, validation=held_out)
    again = trainer(**settings).fit(ours, validation=held_out)
    assert same(weights(first.network_), weights(again.network_))
    for tasks, validation, differing in (
        (theirs, held_out, "training tasks"),
        (ours, theirs, "validation tasks"),
    ):
        with pytest.raises(ValueError, match=rf"\({differing}\); give what it was begun with"):
            trainer(**settings).fit(tasks, validation=validation)
    # A note of a version that compared no training tasks.
    path = tmp_path / "settings.json"
    noted = json.loads(path.read_text())
    del noted["training tasks"]
    path.write_text(json.dumps(noted))
    with pytest.raises(ValueError, match=r"\(training tasks, of which it has no note\); give what"):
        trainer(**settings).fit(ours, validation=held_out)


def test_a_run_without_a_seed_goes_on_with_the_one_it_drew(tmp_path):
    settings = {"run_dir": tmp_path, "random_state": None, "lr": 0.05, "steps_per_epoch": 2}
    first = trainer(n_steps=3, **settings).fit(OneColumnTells())
    # Longer than it was meant to be: the epoch that was cut short stays as it is.
    second = trainer(n_steps=6, **settings).fit(OneColumnTells())
    assert [row["train_batch_count"] for row in first.history_] == [2, 1]
    assert [row["train_batch_count"] for row in second.history_] == [2, 1, 2, 1]
    assert second.initial_loss_ == first.initial_loss_
    assert second.history_[0]["train_loss"] == first.history_[0]["train_loss"]
    other = trainer(n_steps=1, **{**settings, "run_dir": None}).fit(OneColumnTells())
    assert other.initial_loss_ != first.initial_loss_


def test_the_best_epoch_is_kept_and_the_start_if_none_is_better(start):
    with pytest.warns(ConvergenceWarning, match="No epoch of meta-training .* the start is kept"):
        spoilt = trainer(lr=50.0, n_steps=3).fit(OneColumnTells())
    assert spoilt.validation_loss_ == spoilt.initial_loss_
    good = trainer(lr=0.05, n_steps=3).fit(OneColumnTells())
    for name, value in start.items():
        torch.testing.assert_close(weights(spoilt.network_)[name], value, atol=1e-9, rtol=0)
    assert not same(weights(good.network_), start)
    # What the history promises is what the weights kept do.
    assert good.validation_loss_ == pytest.approx(min(good.history_[:, "valid_loss"]))


def test_a_rate_rises_and_falls_over_the_steps():
    seen = []

    class Spy(InContext):
        def accumulate(self, loss, episode, *, state=None, scale=1.0):
            seen.append(scale)
            return super().accumulate(loss, episode, state=state, scale=scale)

    fitted = trainer(learner=Spy(), lr=0.02, n_steps=4).fit(OneColumnTells())
    assert seen == [1 / 3] * 12
    # The middle of the last step is seven eighths through.
    (group,) = fitted.net_.optimizer_.param_groups
    assert group["lr"] == pytest.approx(0.02 * (1 + np.cos(7 / 8 * np.pi)) / 2)
    with pytest.raises(ValueError, match="Spy is none of the learners that weights files can name"):
        fitted.save("nowhere")


def test_a_list_of_frames_makes_weights_for_frames(tmp_path):
    tables = {"one": frame(0), "two": frame(1)}
    fitted = trainer("attention", network_params={**TINY, "gate": "sparsemax"}).fit(
        tables, validation=[frame(2)]
    )
    assert {"train_loss", "valid_loss", "train_accuracy", "valid_accuracy"} <= set(
        fitted.history_[-1]
    )
    result = fitted.evaluate(tables, 6)
    assert result.losses.shape == result.accuracies.shape == (6,)
    assert result.accuracy_se == pytest.approx(result.accuracies.std(ddof=1) / 6**0.5)
    path = tmp_path / "attention.safetensors"
    fitted.save(path)
    X, y = frame(3)
    classifier = AttentionClassifier(pretrained=path, gate="sparsemax").fit(X, y)
    assert classifier.learner_ is None
    assert classifier.predict_proba(X).shape == (30, 3)
    # The same weights have never seen the other gate.
    with pytest.raises(ValueError, match=r"gate='sigmoid' does not suit .* with gate='sparsemax'"):
        AttentionClassifier(pretrained=path).fit(X, y)


def test_classifiers_predict_what_the_network_does(tmp_path):
    X, y = one_column_tells(np.random.default_rng(5), 40)
    labels = (y == "yes").astype(int)
    for network, classifier in (
        ("prototype", PrototypeClassifier()),
        ("matching", MatchingClassifier()),
    ):
        fitted = trainer(network, n_steps=3).fit(OneColumnTells())
        path = tmp_path / network
        fitted.save(path)
        classifier.set_params(pretrained=path).fit(X[::2], y[::2])
        assert classifier.learner_ is None
        encoder = LabelledEncoder(X[::2], labels[::2], 2)
        episode = LabelledEpisode(
            encoder.encoded_,
            torch.from_numpy(labels[::2]),
            encoder.encode(X),
            torch.from_numpy(labels),
            2,
        )
        expected = TableObjective().predict(fitted.network_.double(), episode)
        np.testing.assert_allclose(classifier.predict_proba(X), expected, atol=1e-9)


def test_classifiers_take_the_learners_steps(adapting):
    fitted, path = adapting
    X, y = one_column_tells(np.random.default_rng(6), 40)
    labels = (y == "yes").astype(int)
    classifier = PrototypeClassifier(pretrained=path, random_state=0).fit(X[::2], y[::2])
    assert isinstance(classifier.learner_, MAML)
    assert classifier.learner_.get_params() == fitted.learner_.get_params()
    encoder = LabelledEncoder(X[::2], labels[::2], 2)
    support = (encoder.encoded_, torch.from_numpy(labels[::2]))
    query = (encoder.encode(X), torch.from_numpy(labels))
    loss = EpisodeLoss(fitted.network_.double(), TableObjective())
    state = fitted.state_.double()
    params = classifier.learner_.adapt(
        loss, LabelledEpisode(*support, query[0][:0], query[1][:0], 2), state=state
    )
    episode = LabelledEpisode(*support, *query, 2)
    by_hand = loss.at(params, episode, "predict")
    np.testing.assert_allclose(classifier.predict_proba(X), by_hand, atol=1e-9)
    unadapted = loss(episode, "predict")
    assert float((by_hand - unadapted).abs().max()) > 1e-3
    # The rates that were learned count, not only where they began.
    assert any(float((rate - 0.5).abs().max()) > 1e-3 for rate in state.parameters())

    trace = classifier.trace_adaptation(X, y)
    assert trace.query_loss.shape == (3,)
    assert trace.support_influence.shape == (20,)
    np.testing.assert_allclose(trace.predictions[-1], by_hand.detach(), atol=1e-9)
    np.testing.assert_allclose(trace.predictions[0], unadapted.detach(), atol=1e-9)
    assert trace.support_loss[-1] < trace.support_loss[0]
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    np.testing.assert_array_equal(again.trace_adaptation(X, y).changes, trace.changes)
    explanation = classifier.explain(X)
    assert np.abs(explanation.residual).max() < 1e-9


def test_adapted_classifiers_at_their_edges(adapting):
    _, path = adapting
    X, y = one_column_tells(np.random.default_rng(6), 40)
    # One row a class: nothing can be predicted from the rest, and nothing would move.
    with pytest.warns(ExplanationWarning, match="fit took no inner steps of MAML.* n_support"):
        classifier = PrototypeClassifier(pretrained=path).fit(X[[0, -1]], y[[0, -1]])
    assert classifier.learner_ is None
    assert np.isfinite(classifier.predict_proba(X)).all()
    with pytest.raises(ValueError, match=r"no inner steps of MAML.*no class has two rows"):
        classifier.trace_adaptation(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        enough = PrototypeClassifier(pretrained=path).fit(X[[0, 1, -1]], y[[0, 1, -1]])
    assert enough.trace_adaptation(X, y).changes.any()
    # Training goes on from the adapted weights, whose rates are for the table's own no more.
    trained = PrototypeClassifier(pretrained=path, max_epochs=1, random_state=0).fit(X, y)
    assert isinstance(trained.learner_, MAML)
    assert trained.trace_adaptation(X, y).changes[-1].max() > 0
    with pytest.raises(ValueError, match=r"y has classes that fit has not seen: \['maybe'\]"):
        trained.trace_adaptation(X, np.where(y == "no", "maybe", y))
    for hole in (None, np.nan):
        missing = y.astype(object)
        missing[[3, 7]] = hole
        with pytest.raises(ValueError, match="y contains NaN in row 3, 7; leave rows without"):
            trained.trace_adaptation(X, missing)
    with pytest.raises(NotFittedError):
        PrototypeClassifier(pretrained=path).trace_adaptation(X, y)
    scratch = PrototypeClassifier(pretrained=None, width=4, max_epochs=1, random_state=0).fit(X, y)
    assert scratch.learner_ is None
    with pytest.raises(ValueError, match="in context only: fit took no inner steps"):
        scratch.trace_adaptation(X, y)


def test_what_a_learner_has_learned_must_be_in_the_file(adapting, tmp_path):
    fitted, _ = adapting
    record = {"learner": learner_record(fitted.learner_)}
    path = tmp_path / "rates lost"
    save_classifier(path, "prototype", fitted.network_.float(), record)
    X, y = one_column_tells(np.random.default_rng(6))
    with pytest.raises(ValueError, match=r"learns by MAML.*, but what that has learned is not in"):
        PrototypeClassifier(pretrained=path).fit(X, y)


def test_steps_without_bounds_are_not_taken(tmp_path):
    learner = MAML(inner_lr=1e300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = trainer(learner=learner, n_steps=1).fit(OneColumnTells())
    fitted.save(tmp_path / "wild")
    X, y = one_column_tells(np.random.default_rng(6))
    with pytest.warns(ExplanationWarning, match="left the range of numbers .* stays") as caught:
        classifier = PrototypeClassifier(pretrained=tmp_path / "wild").fit(X, y)
    assert caught[0].filename == __file__
    assert np.isfinite(classifier.predict_proba(X)).all()
    assert classifier.learner_ is None
    with pytest.raises(ValueError, match=r"took no inner steps .* left the range of numbers"):
        classifier.trace_adaptation(X, y)


def test_weights_are_where_another_training_starts(adapting):
    fitted, path = adapting
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        still = {"init": path, "network_params": None, "lr": 1e-12, "n_steps": 1}
        again = trainer(learner=clone(fitted.learner_), **still).fit(OneColumnTells())
        other = trainer(learner=ANIL(learn_lr=True), **still).fit(OneColumnTells())
    # The weights kept are those that the history was proud of, up to the last epoch.
    assert again.initial_loss_ == pytest.approx(fitted.validation_loss_, rel=1e-5)
    assert fitted.history_[-1]["valid_loss"] == pytest.approx(fitted.validation_loss_)
    for name, value in weights(fitted.network_).items():
        torch.testing.assert_close(
            weights(again.network_)[name].double(), value.double(), atol=1e-6, rtol=0
        )
    for name, value in weights(fitted.state_).items():
        torch.testing.assert_close(
            weights(again.state_)[name].double(), value.double(), atol=1e-6, rtol=0
        )
    # Rates of another learner are its own.
    assert all(
        rate.allclose(torch.full_like(rate, 0.01), atol=1e-6) for rate in other.state_.parameters()
    )


def test_rates_are_taken_over_wherever_they_began(adapting):
    fitted, path = adapting
    still = {"init": path, "network_params": None, "lr": 1e-12, "n_steps": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        again = trainer(learner=MAML(learn_lr=True), **still).fit(OneColumnTells())
    for name, value in weights(fitted.state_).items():
        torch.testing.assert_close(
            weights(again.state_)[name].double(), value.double(), atol=1e-6, rtol=0
        )


def test_files_are_saved_into_new_folders(tmp_path):
    fitted = trainer(n_steps=1, lr=0.05).fit(OneColumnTells())
    path = tmp_path / "new" / "folder" / "file.safetensors"
    fitted.save(path)
    X, y = one_column_tells(np.random.default_rng(6))
    assert PrototypeClassifier(pretrained=path).fit(X, y).learner_ is None


def test_explainers_take_the_learners_steps(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = X @ [1.0, -2.0]
    pairs = [(X, LinearRegression().fit(X, y))]
    small = {"width": 8, "n_layers": 1, "n_heads": 2}
    path = tmp_path / "kernel.safetensors"
    settings = {
        "n_steps": 1,
        "meta_batch_size": 1,
        "validation_tasks": 1,
        "network_params": small,
    }
    tasks = ModelTasks(pairs, n_support=48, n_query=3, n_background=4)
    learner = MAML(inner_lr=0.05, n_inner_steps=2, inner_optimizer="adam", first_order=True)
    values = {}
    for each in (InContext(), learner):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # A start that both share, so that what differs are the steps at fit.
            fitted = trainer("kernel", learner=each, lr=1e-12, **settings).fit(tasks)
        assert "valid_accuracy" not in fitted.history_[-1]
        assert np.isnan(fitted.evaluate(tasks, 1).accuracy)
        fitted.save(path)
        explainer = MetaExplainer(
            LinearRegression(), pretrained=path, n_support=64, background=8, random_state=0
        ).fit(X, y)
        assert type(explainer.learner_) is (MAML if each is learner else type(None))
        values[each.name] = explainer.explain(X[:4]).values
        assert np.isfinite(explainer.shapley_error_)
        background = explainer.background_.mean(0)
        truth = (X[:4] - background) * [1.0, -2.0]
        np.testing.assert_allclose(values[each.name][..., 0], truth, atol=0.3)
    assert np.abs(values["maml"] - values["in_context"]).max() > 1e-6


class Line(nn.Module):
    """A network of one's own: a slope."""

    def __init__(self, slope=0.0):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([slope]))

    def forward(self, rows):
        return self.slope * rows


def test_a_way_to_go_is_gone_whole_and_gradients_are_shortened():
    class Far:
        def sample(self, rng):
            one, far = torch.ones(1, 1), torch.full((1, 1), 100.0)
            return SupervisedEpisode(one, far, one, far)

    settings = {"n_steps": 1, "meta_batch_size": 1, "network_params": None}
    objective = SupervisedObjective(nn.functional.mse_loss)
    # A step of rate 0.25 goes half the way; in the middle of the only step the rate is a half.
    for outer, expected in (("sgd", 25.0), ("adam", 0.5)):
        reptile = Reptile(inner_lr=0.25, n_inner_steps=1, outer_optimizer=outer)
        fitted = trainer(Line, learner=reptile, objective=objective, lr=1.0, **settings).fit(Far())
        assert fitted.network_.slope.item() == pytest.approx(expected, rel=1e-4)
    maml = MAML(inner_lr=0.25, outer_optimizer="sgd")
    fitted = trainer(Line, learner=maml, objective=objective, lr=1.0, **settings).fit(Far())
    assert fitted.network_.slope.item() == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("as_tasks", [list, TableTasks])
def test_no_row_of_a_table_is_both_trained_on_and_judged_by(as_tasks, monkeypatch):
    drawn = []

    def sample(tasks, rng, original=TableTasks.sample):
        drawn.append(set())
        return original(tasks, rng)

    def note(table, rows):
        if drawn:
            drawn[-1].update(table[rows, 0])
        return take_rows(table, rows)

    # Rows are known by their numbers, in the first column.
    X = np.column_stack([np.arange(40.0), np.random.default_rng(0).normal(size=40)])
    tasks = as_tasks([(X, np.arange(40) % 2)])
    monkeypatch.setattr(TableTasks, "sample", sample)
    monkeypatch.setattr("sklearn_metaexplain.nets._labelled.take_rows", note)
    settings = {"n_steps": 10, "validation_tasks": 12, "lr": 0.05}
    trainer(**settings).fit(tasks)
    judged, trained = set().union(*drawn[:12]), set().union(*drawn[12:])
    assert len(drawn) == 12 + 10 * 3
    assert (len(judged), len(trained)) == (10, 30)
    assert not judged & trained
    # Whoever says so is judged by rows that are trained on.
    drawn.clear()
    trainer(**settings).fit(tasks, validation=tasks)
    assert set().union(*drawn[:12]) == set().union(*drawn[12:]) == set(X[:, 0])


def test_tables_too_small_to_be_split_need_validation():
    X, y = one_column_tells(np.random.default_rng(0), 10)
    with pytest.raises(ValueError, match=r"No table has two classes of six rows .* by validation"):
        trainer(n_steps=1).fit([(X, y)])
    fitted = trainer(n_steps=1, lr=0.05).fit([(X, y)], validation=[(X, y)])
    assert np.isfinite(fitted.validation_loss_)


class FewShots:
    """Tables of three rows a class, of which one to three are read."""

    def sample(self, rng):
        X, y = one_column_tells(rng, 6)
        episode = TableTasks([(X, y)], n_support=4).sample(rng)
        n_read = int(rng.integers(2, 5))
        first = episode.labels.argsort(stable=True)[[0, -1, 1, -2][:n_read]]
        return episode._replace(support=episode.support[first], labels=episode.labels[first])


@pytest.mark.parametrize("learner", [MAML(inner_lr=0.1), Reptile(inner_lr=0.1), InContext()])
def test_tasks_that_inner_steps_cannot_use_are_drawn_again(learner, monkeypatch):
    sizes = []

    def noting(act):
        def note(self, loss, episode, **options):
            sizes.append(len(episode.support))
            return act(self, loss, episode, **options)

        return note

    for name in ("accumulate", "query_loss"):
        monkeypatch.setattr(type(learner), name, noting(getattr(type(learner), name)))
    trainer(learner=learner, lr=0.05).fit(FewShots())
    assert set(sizes) == ({2, 3, 4} if isinstance(learner, InContext) else {3, 4})


def test_tasks_of_one_row_a_class_alone_are_named():
    pair = TableTasks([one_column_tells(np.random.default_rng(0), 10)], n_support=2)
    with pytest.raises(ValueError, match=r"two support rows of a class.* use InContext\(\)"):
        trainer(learner=MAML()).fit(pair, validation=pair)
    trainer(n_steps=1, lr=0.05).fit(pair, validation=pair)


def test_tables_of_which_no_episode_can_be_drawn_are_drawn_again():
    # Of the rows held out, five of each class, few are left to be labelled, often of one class.
    tables = [one_column_tells(np.random.default_rng(seed), 40) for seed in range(3)]
    learner = Episodic(n_way=2, n_shot=2)
    fitted = trainer(learner=learner, validation_tasks=20, lr=0.05).fit(tables)
    small = TableTasks(tables, n_query=2)
    assert np.isfinite(fitted.evaluate(small, 20).losses).all()
    with pytest.raises(ValueError, match=r"two classes with .* or leave n_way out"):
        fitted.evaluate(TableTasks(tables, n_query=1), 1)
    assert np.isfinite(trainer(learner=Episodic(n_shot=2), n_steps=1).fit(tables).validation_loss_)


def test_networks_of_ones_own_learn_too():
    objective = SupervisedObjective(nn.functional.mse_loss)
    settings = {"learner": MAML(inner_lr=0.1, outer_optimizer="adam"), "lr": 0.3, "n_steps": 20}
    module = Line()
    for network, params in ((Line, None), (Line, {"slope": 0.5}), (module, None)):
        fitted = trainer(network, objective=objective, **{**settings, "network_params": params})
        fitted.fit(Lines())
        assert fitted.network_.slope.item() == pytest.approx(2.0, abs=0.3)
        assert fitted.evaluate(Lines(), 5).loss < 0.1 * fitted.initial_loss_
        with pytest.raises(ValueError, match="save writes networks of this package; Line is one"):
            fitted.save("nowhere")
    assert module.slope.item() == 0.0
    assert not hasattr(objective, "accuracy")


def test_a_fitted_trainer_can_be_pickled():
    fitted = trainer(n_steps=1).fit(OneColumnTells())
    again = pickle.loads(pickle.dumps(fitted))
    assert again.evaluate(OneColumnTells(), 2).loss == fitted.evaluate(OneColumnTells(), 2).loss


def test_time_can_be_the_limit(monkeypatch):
    # The first step is past the budget, where the learning rate is zero.
    clock = chain([0.0, 0.0], count(1.0))
    monkeypatch.setattr(_trainer, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.warns(ConvergenceWarning):
        fitted = trainer(n_steps=None, minutes=1e-6).fit(OneColumnTells())
    assert len(fitted.history_) == 1
    assert fitted.n_steps_ == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "transformer"}, "'network' parameter of MetaTrainer must be"),
        ({"n_steps": 0}, "'n_steps' parameter"),
        ({"n_jobs": 0}, "'n_jobs' parameter of MetaTrainer must be"),
        ({"learner": LearnedOptimizer(preprocess=81.0)}, "'preprocess' parameter of Learned"),
        ({"n_steps": None}, "n_steps=None and minutes=None: give one"),
        ({"learner": "maml"}, "'learner' parameter"),
        ({"learner": MAML(inner_lr=-1.0)}, "'inner_lr' parameter of MAML"),
        ({"device": "abacus"}, "device='abacus' cannot be used"),
        ({"network": "kernel", "device": "cuda"}, '"kernel" is trained on the CPU'),
        ({"network": "kernel", "device": "abacus"}, '"kernel" is trained on the CPU'),
        ({"network_params": {"encoder": {"width": -4}}}, "width=-4 must be a multiple of 4"),
        (
            {"network_params": {"encoder": {"n_heads": 0}}},
            "n_heads=0 must be a whole number from 1",
        ),
        ({"network_params": {"encoder": {"n_layers": 1.5}}}, r"n_layers=1.5 must be a whole .* 0"),
        ({"network": Line}, "objective is needed for a network of one's own"),
        ({"network": "kernel", "network_params": None}, "'kernel' learns from models:"),
        (
            {"network_params": {"depth": 3}},
            r"network_params=.* do not suit .*depth",
        ),
        ({"network_params": {"encoder": {"width": 6}}}, "width=6 must be a multiple of 4"),
        (
            {"network": "matching", "network_params": {"metric": "taxi"}},
            r"metric='taxi' is none of \('euclidean', 'cosine'\)",
        ),
        ({"init": "no such file", "network_params": None}, "neither a registered name"),
        ({"init": "no such file"}, "encoder cannot be chosen with init"),
        (
            {"network": Line, "init": "x", "objective": TableObjective(), "network_params": None},
            "init='x' holds a network of this package",
        ),
        (
            {"network": Line(), "objective": TableObjective()},
            "network is a module, .* leave out network_params and init",
        ),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    settings = {"network": "prototype", **changes}
    with pytest.raises((ValueError, RuntimeError), match=message):
        trainer(**settings).fit(OneColumnTells())


def test_tasks_of_the_wrong_kind_are_named():
    with pytest.raises(ValueError, match=r"'prototype' learns from labelled tables: .* Episodes"):
        trainer().fit(SyntheticModels(max_support=70))
    with pytest.raises(ValueError, match=r"'prototype' learns from labelled tables: .* Episodes"):
        trainer().fit(SyntheticModels(max_support=70), validation=OneColumnTells())
    with pytest.raises(ValueError, match="Episodic draws classes out of labelled tables"):
        trainer("kernel", learner=Episodic(n_way=2), network_params=None).fit(
            SyntheticModels(max_support=70)
        )
    with pytest.raises(TypeError, match="list of pairs"):
        trainer().fit(pd.DataFrame({"a": [1.0]}))
    fitted = trainer(n_steps=1, lr=0.05).fit(OneColumnTells())
    with pytest.raises(ValueError, match="n_tasks=0 must be"):
        fitted.evaluate(OneColumnTells(), 0)
    with pytest.raises(ValueError, match="learns from labelled tables"):
        fitted.evaluate(SyntheticModels(max_support=70), 1)
    with pytest.raises(NotFittedError):
        trainer().evaluate(OneColumnTells())
    with pytest.raises(NotFittedError):
        trainer().save("nowhere")


def test_a_fit_that_fails_leaves_nothing_of_the_one_before(tmp_path):
    fitted = trainer(n_steps=1, lr=0.05).fit(OneColumnTells())
    fitted.set_params(network="matching", learner=MAML(), init="no such file", network_params=None)
    with pytest.raises(ValueError, match="neither a registered name"):
        fitted.fit(OneColumnTells())
    with pytest.raises(NotFittedError):
        fitted.evaluate(OneColumnTells(), 1)
    with pytest.raises(NotFittedError):
        fitted.save(tmp_path / "weights")


def test_an_objective_of_ones_own_is_used_and_left_alone():
    objective = AttentionObjective(l1=0.5)
    tables = TableTasks([one_column_tells(np.random.default_rng(0))], n_support=12)
    plain = trainer("attention", n_steps=1).fit(tables)
    penalised = trainer("attention", n_steps=1, objective=objective).fit(tables)
    # Three gates, half open at the start.
    assert penalised.initial_loss_ - plain.initial_loss_ == pytest.approx(0.5 * 1.5, rel=0.02)
    assert np.isnan(objective.accuracy)
