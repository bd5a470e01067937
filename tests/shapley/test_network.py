"""Networks of folds: what they learn."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from sklearn_metaexplain.shapley import _network
from sklearn_metaexplain.shapley._network import NetworkBag
from tests.shapley.networks import evaluated, fitted


@pytest.fixture(scope="module")
def bag_and_rows():
    return fitted()


def test_held_out_predictions_are_as_good_as_on_new_rows(bag_and_rows):
    bag, _ = bag_and_rows
    _, outputs = evaluated()
    held_out = (outputs - outputs.mean(0) - bag.held_out).square().mean()
    rows, truth = evaluated(n=1000, seed=1)
    new = (truth - outputs.mean(0) - bag.predict(rows)).square().mean()
    assert float(held_out) < 0.05 * float(outputs.var())
    # The mean of five networks is better than one that has seen four fifths.
    assert 0.3 < float(new / held_out) < 1.2


def probabilities(n, seed, slope=8.0):
    """Saturated ones, and what of them is centred, with the bounds then."""
    encoded, scores = evaluated(n, seed, n_outputs=2)
    outputs = torch.from_numpy(expit(slope * scores.numpy() - 1))
    center = outputs.mean(0)
    return encoded, outputs - center, torch.tensor([[0.0], [1.0]]) - center, center


def test_bounded_networks_stay_within_their_bounds_and_know_saturation_from_the_start():
    encoded, outputs, bounds, center = probabilities(400, seed=0)
    rows, truth, _, other_center = probabilities(1000, seed=1)
    truth = truth + other_center - center
    errors = {}
    for name, given in (("free", None), ("bounded", bounds)):
        bag = NetworkBag().fit(encoded, outputs, given)
        told = bag.predict(rows)
        errors[name] = float((told - truth).square().mean())
        if given is not None:
            for values in (told, bag.held_out):
                assert bool((values > bounds[0] - 1e-12).all())
                assert bool((values < bounds[1] + 1e-12).all())
    assert errors["bounded"] < 0.8 * errors["free"]


def test_rare_classes_beside_common_ones_are_learned():
    encoded, outputs = evaluated(n_outputs=2)
    shares = torch.stack(
        [torch.sigmoid(6 * outputs[:, 0]), torch.sigmoid(2 * outputs[:, 1] - 6)], 1
    )
    center = shares.mean(0)
    assert float(center[1]) < 0.03
    bounds = torch.tensor([[0.0], [1.0]]) - center
    bag = NetworkBag().fit(encoded, shares - center, bounds)
    missed = (shares - center - bag.held_out).square().mean(0) / shares.var(0)
    assert float(missed.max()) < 0.35


def test_the_last_biases_start_at_the_mean(monkeypatch):
    monkeypatch.setattr(_network, "_LEARNING_RATE", 0.0)
    encoded, outputs, bounds, center = probabilities(400, seed=0)
    bag = NetworkBag().fit(encoded, outputs, bounds)
    np.testing.assert_allclose(
        torch.sigmoid(bag.biases[-1]).expand(5, 1, 2).numpy(),
        np.broadcast_to(center.numpy(), (5, 1, 2)),
        atol=1e-6,
    )


def test_a_fit_is_repeated_exactly_and_leaves_global_randomness_alone(bag_and_rows):
    bag, encoded = bag_and_rows
    state = torch.get_rng_state()
    again, _ = fitted()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(again.predict(encoded), bag.predict(encoded))


@pytest.mark.parametrize("bounds", [None, torch.tensor([[-1.0, -1.0], [1.0, 1.0]])])
def test_networks_that_diverge_say_the_same_of_all_rows(bounds, monkeypatch):
    monkeypatch.setattr(_network, "_LEARNING_RATE", 1e30)
    encoded, outputs = evaluated(n_outputs=2)
    bag = NetworkBag().fit(encoded, outputs.clamp(-1, 1), bounds)
    assert not bag.held_out.any()


def test_weights_decay_by_the_same_of_few_rows_and_inversely_to_many(monkeypatch):
    decays = []

    def keep_decay(parameters, units, targets, batches, rates, width, decay, *others):
        decays.append(decay)

    monkeypatch.setattr(_network, "train_networks", keep_decay)
    for n in (100, 400, 3000, 6000):
        encoded, outputs = evaluated(n=n)
        NetworkBag(effort=0.02).fit(encoded, outputs)
    assert decays[0] == decays[1] > decays[2]
    np.testing.assert_allclose(decays[2], 2 * decays[3])


def test_a_constant_output_is_learned():
    encoded, outputs = evaluated()
    bag = NetworkBag().fit(encoded, torch.zeros_like(outputs))
    assert float(bag.predict(encoded).abs().max()) < 1e-3


def test_the_default_dtype_of_torch_changes_nothing():
    encoded, outputs = evaluated()
    expected = NetworkBag().fit(encoded, outputs).predict(encoded)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        predicted = NetworkBag().fit(encoded, outputs).predict(encoded)
    finally:
        torch.set_default_dtype(before)
    assert torch.equal(predicted, expected)
