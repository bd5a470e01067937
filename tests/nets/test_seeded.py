from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from sklearn_metaexplain.learners import LearnedOptimizer
from sklearn_metaexplain.nets._seeded import seeded_torch
from sklearn_metaexplain.posthoc._proposal import _fresh_network
from sklearn_metaexplain.selfexplaining import _start
from sklearn_metaexplain.training import _networks

STEPPED = nn.Linear(1, 1)


def made_inside(seed):
    with seeded_torch(seed):
        return nn.Linear(50, 50)


MAKERS = {
    "seeded_torch": made_inside,
    "of MetaExplainer": _fresh_network,
    "of a classifier": lambda seed: _start.make_network(
        "prototype", None, {}, is_trained=True, seed=seed
    ),
    "of MetaTrainer": lambda seed: _networks.make_network("prototype", None, None, seed),
    "of a learner": lambda seed: LearnedOptimizer(random_state=seed).make_state(STEPPED),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_networks_of_one_seed_are_the_same_in_any_thread(make):
    def numbers(seed):
        return torch.cat([values.detach().flatten() for values in make(seed).parameters()])

    expected = [numbers(seed) for seed in (0, 1)]
    assert not torch.equal(*expected)
    before = torch.get_rng_state()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(numbers, [0, 1] * 50))
    assert all(torch.equal(one, expected[i % 2]) for i, one in enumerate(made))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_state_comes_back_after_an_error_too():
    def fail():
        with seeded_torch(0):
            torch.rand(3)
            raise ValueError("no network")

    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="no network"):
        fail()
    assert torch.equal(torch.get_rng_state(), before)
