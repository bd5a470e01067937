"""Learners as JSON, with their states, and as scikit-learn's estimators."""

import json

import numpy as np
import pytest
import torch
from sklearn.base import clone

import sklearn_metaexplain.learners as learners
from sklearn_metaexplain.learners import (
    ANIL,
    MAML,
    Episodic,
    InContext,
    InnerLoopLearner,
    LearnedOptimizer,
    Learner,
    Reptile,
    learner_from_record,
    learner_record,
)
from tests.learners.problems import fill, small_loss, small_task

LEARNERS = [
    InContext(),
    Episodic(n_way=5, n_shot=np.int64(3), random_state=1),
    MAML(inner_lr=0.5, n_inner_steps=2, inner_optimizer="adam", learn_lr=True),
    ANIL(inner_lr=np.float64(0.2), head=("0", "2.bias"), learn_lr=True, first_order=True),
    Reptile(n_inner_steps=3, outer_optimizer="adam"),
    LearnedOptimizer(n_inner_steps=2, hidden_size=4),
]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_record_and_state_make_the_same_learner(learner):
    loss, task = small_loss(), small_task()
    state = learner.make_state(loss.network)
    if state is not None:
        fill(state, 3, size=0.1)
    record = json.loads(json.dumps(learner_record(learner)))
    again = learner_from_record(record)
    assert type(again) is type(learner)
    assert learner_record(again) == record
    assert record["params"].keys() == learner.get_params().keys()
    state_again = again.make_state(loss.network)
    assert (state_again is None) == (state is None)
    if state is not None:
        state_again.load_state_dict(state.state_dict())
    first = learner.adapt(loss, task, state=state)
    second = again.adapt(loss, task, state=state_again)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_every_learner_can_be_recorded():
    public = {
        value
        for name in learners.__all__
        if isinstance(value := getattr(learners, name), type) and issubclass(value, Learner)
    }
    assert public - {Learner, InnerLoopLearner} == {type(learner) for learner in LEARNERS}
    assert len({learner.name for learner in LEARNERS}) == len(LEARNERS)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_learners_are_cloned_and_searched_as_estimators_are(learner):
    copy = clone(learner)
    assert copy.get_params() == learner.get_params()
    assert all(vars(copy)[name] is value for name, value in copy.get_params().items())


def test_what_cannot_be_written_or_read_is_named():
    with pytest.raises(ValueError, match=r"random_state=RandomState.* cannot be written"):
        learner_record(Episodic(random_state=np.random.RandomState(0)))

    class OfTheirOwn(MAML):
        pass

    with pytest.raises(ValueError, match="OfTheirOwn is none of the learners"):
        learner_record(OfTheirOwn())
    with pytest.raises(ValueError, match=r"the learner 'mammal'; this version .* has anil, episod"):
        learner_from_record({"name": "mammal", "params": {}})
    with pytest.raises(ValueError, match="Invalid parameter 'momentum' for estimator MAML"):
        learner_from_record({"name": "maml", "params": {"momentum": 0.9}})
