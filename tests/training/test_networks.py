"""Where meta-training starts."""

import re
import warnings

import numpy as np
import pytest
import torch

from sklearn_metaexplain.learners import (
    ANIL,
    MAML,
    InContext,
    LearnedOptimizer,
    SupervisedObjective,
    learner_record,
)
from sklearn_metaexplain.nets._classifier_weights import save_classifier
from sklearn_metaexplain.training import MetaTrainer
from sklearn_metaexplain.training._networks import make_module, make_network
from tests.training.families import TINY, Lines, OneColumnTells


def states(*modules):
    return [{name: value.clone() for name, value in each.state_dict().items()} for each in modules]


@pytest.mark.parametrize(
    ("learner", "other", "is_taken"),
    [
        (MAML(learn_lr=True), MAML(), False),
        (MAML(), MAML(learn_lr=True), None),
        (ANIL(learn_lr=True, head="blocks.own"), ANIL(learn_lr=True, head="blocks.scale"), False),
        (LearnedOptimizer(hidden_size=3), LearnedOptimizer(hidden_size=4), False),
        (LearnedOptimizer(), LearnedOptimizer(preprocess=9.0), False),
        (LearnedOptimizer(), LearnedOptimizer(random_state=1, truncation=1), True),
        (LearnedOptimizer(), InContext(), None),
    ],
    ids=str,
)
def test_what_is_not_taken_over_is_told(learner, other, is_taken, tmp_path):
    module = make_module("prototype", TINY, None, learner, 0)
    if module.state is not None:
        with torch.no_grad():
            for value in module.state.parameters():
                value += 0.125
    path = tmp_path / "weights"
    record = {"learner": learner_record(learner)}
    save_classifier(path, "prototype", module.network, record, module.state)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make_module("prototype", None, path, other, 0)
    # None: there is nothing that it could take.
    assert len(caught) == (is_taken is False)
    if is_taken:
        torch.testing.assert_close(*states(made.state, module.state), rtol=0, atol=0)
    if is_taken is False:
        assert re.search(r"init=.* has learned itself is not taken over", str(caught[0].message))
        own = other.make_state(made.network)
        if made.state is not None:
            torch.testing.assert_close(*states(made.state, own), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("network", "settings", "changed"),
    [
        ("matching", {"metric": "cosine"}, {"metric": "euclidean"}),
        ("attention", {"attention": "per_class", "gate": "sparsemax"}, {"gate": "sigmoid"}),
    ],
)
def test_training_goes_on_with_the_metric_or_gate_of_the_file(network, settings, changed, tmp_path):
    first = MetaTrainer(
        network,
        network_params={**TINY, **settings},
        n_steps=1,
        lr=0.05,
        validation_tasks=2,
        random_state=0,
    ).fit(OneColumnTells())
    first.save(tmp_path / "weights")
    episode = OneColumnTells().sample(np.random.default_rng(0))
    again = make_network(network, None, tmp_path / "weights", 0)
    # Of another metric or gate the head was never trained.
    torch.testing.assert_close(again(episode), first.network_(episode), rtol=0, atol=1e-6)
    asked = make_network(network, changed, tmp_path / "weights", 0)
    assert {name: getattr(asked, name) for name in settings} == {**settings, **changed}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 7}, "network_params: width=7 must be a multiple of n_heads=4"),
        ({"width": 9, "n_heads": 2}, "width=9 must be a multiple of n_heads=2"),
        ({"n_heads": 0}, "n_heads=0 must be a whole number from 1 on"),
        ({"n_layers": 1.5}, r"n_layers=1\.5 must be a whole number from 0 on"),
    ],
)
def test_sizes_of_the_kernel_network_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        make_network("kernel", params, None, 0)


def squared(network, episode):
    return network(episode.query).square().mean()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"objective": squared},
            TypeError,
            r"objective=<function squared .*> must be a torch.nn.Module: make a function the",
        ),
        (
            {"objective": SupervisedObjective},
            TypeError,
            r"objective=SupervisedObjective must be .*: pass what it makes, SupervisedObjective\(",
        ),
        (
            {"network": lambda: 3, "objective": SupervisedObjective(torch.nn.functional.mse_loss)},
            TypeError,
            "makes no network but int; give what returns a torch.nn.Module",
        ),
    ],
)
def test_what_is_no_module_is_named(settings, error, message):
    settings = {"network": lambda: torch.nn.Linear(1, 1), **settings}
    with pytest.raises(error, match=message):
        MetaTrainer(n_steps=1, validation_tasks=1, random_state=0, **settings).fit(Lines())


def test_a_kernel_network_is_told_no_task_vectors():
    with pytest.raises(ValueError, match="task_width=4 is that of a network that is told"):
        make_network("kernel", {"task_width": 4}, None, 0)
    assert make_network("kernel", {"task_width": 0}, None, 0).task_embed is None


def test_messages_name_the_parameters_of_the_trainer(tmp_path):
    other = tmp_path / "matching.safetensors"
    save_classifier(other, "matching", make_network("matching", TINY, None, 0), {})
    for init, message in ((tmp_path / "none", "is neither a registered name"), (other, "another")):
        with pytest.raises(ValueError, match=f"^init.*{message}"):
            MetaTrainer(init=init).fit(OneColumnTells())
    with pytest.raises(TypeError, match=r"learner=MAML is a class; pass what it makes, MAML\(\)"):
        MetaTrainer(learner=MAML).fit(OneColumnTells())
