"""Few-shot adaptation through skorch."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, EarlyStopping

from sklearn_metaexplain.nets._adaptation import adapt
from sklearn_metaexplain.nets._episodic import EpisodicNet
from sklearn_metaexplain.nets._kernel_network import KernelNetwork


def task(n=120, m=4):
    generator = torch.Generator().manual_seed(0)
    encoded = torch.randn(n, m, 2, generator=generator, dtype=torch.float64)
    # Wiggly in one column, blind to the others: far from the default kernel.
    outputs = torch.sin(4 * encoded[:, :1, 0])
    return encoded, outputs / outputs.std()


def adapted(network, **options):
    encoded, outputs = task()
    settings = {"max_epochs": 6, "lr": 3e-3, "callbacks": None, "device": "cpu", "seed": 0}
    return adapt(network, encoded, outputs, torch.arange(4), 4, **settings | options)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return KernelNetwork(width=16, n_layers=1).double()


def test_validation_loss_falls_and_the_given_network_is_untouched(network):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    net = adapted(network)
    history = net.history[:, ("train_loss", "valid_loss")]
    assert 1 <= len(history) <= 6
    assert min(valid for _, valid in history) < history[0][1]
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])


def test_same_seed_same_network(network):
    first, second = adapted(network), adapted(network)
    for value, other in zip(first.module_.parameters(), second.module_.parameters(), strict=True):
        assert torch.equal(value, other)


def test_global_generators_are_untouched(network):
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    adapted(network, max_epochs=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()


def test_a_ruinous_learning_rate_gives_back_the_given_weights(network):
    good = adapted(network, max_epochs=20).module_
    with pytest.warns(ConvergenceWarning, match="so the start is kept; lower lr, raise max_ep"):
        net = adapted(good, lr=1e3, max_epochs=3)
    assert net.kept_epoch_ == 0
    for value, other in zip(net.module_.parameters(), good.parameters(), strict=True):
        assert torch.equal(value, other)


def test_the_epoch_that_is_kept_is_told(network):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = [adapted(network, lr=lr, max_epochs=12) for lr in (3e-3, 0.03)]
    for net in kept:
        losses = net.history[:, "valid_loss"]
        assert type(net.kept_epoch_) is int
        assert losses[net.kept_epoch_ - 1] == min(losses)
        # Trained for so many epochs only, the network is the same.
        lr = net.lr
        again = adapted(network, lr=lr, max_epochs=net.kept_epoch_)
        for value, other in zip(net.module_.parameters(), again.module_.parameters(), strict=True):
            assert torch.equal(value, other)
    assert kept[1].kept_epoch_ < 12


def test_a_loss_that_is_no_number_is_never_the_best(network):
    class Spoil(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 1:
                net.history.record("valid_loss", float("nan"))

    net = adapted(network, callbacks=[("spoil", Spoil())], max_epochs=4)
    assert net.kept_epoch_ == 1 + int(np.nanargmin(net.history[:, "valid_loss"]))
    assert net.kept_epoch_ > 1


def test_rows_held_out_are_not_trained_on(network, monkeypatch):
    trained, judged = [], []

    def note(name, seen):
        original = getattr(EpisodicNet, name)

        def step(net, batch, **kwargs):
            for split in batch.episodes:
                seen.extend(split.context[:, 0, 0].tolist())
                seen.extend(split.target[:, 0, 0].tolist())
            return original(net, batch, **kwargs)

        monkeypatch.setattr(EpisodicNet, name, step)

    note("train_step_single", trained)
    note("validation_step", judged)
    adapted(network, max_epochs=2)
    # A fifth, the first; numbers of rows are all different.
    first = task()[0][:, 0, 0].tolist()
    assert set(trained) == set(first[24:])
    assert set(judged) == set(first)


@pytest.mark.parametrize("epoch", [1, 3])
def test_ctrl_c_is_passed_on(network, epoch):
    class Interrupt(Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            if training and len(net.history) == epoch:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapted(network, callbacks=[("interrupt", Interrupt())])


def test_a_callback_may_end_the_training(network):
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=0, lower_is_better=False)
    net = adapted(network, callbacks=[("stop", stop)], max_epochs=8)
    assert len(net.history) < 8
    assert net.kept_epoch_ > 0


@pytest.mark.parametrize("given", ["stop", ("stop", 3), None])
def test_what_is_no_callback_is_named(given, network):
    with pytest.raises(TypeError, match=r"callbacks holds .*; pass skorch callbacks"):
        adapted(network, callbacks=[given])
