"""Meta-training of the classifiers' networks together, from episodes to weights that classify."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sklearn_metaexplain.nets._attention_network import AttentionNetwork
from sklearn_metaexplain.nets._classifier_weights import NETWORKS, load_classifier, save_classifier
from sklearn_metaexplain.nets._classifiers import MatchingNetwork, PrototypeNetwork
from sklearn_metaexplain.training.__main__ import main
from sklearn_metaexplain.training._classifiers import accuracies
from sklearn_metaexplain.training._joint import JointNetwork, JointObjective
from sklearn_metaexplain.training._labelled_episodes import draw_labelled_episode
from tests.nets.test_classifier_networks import SMALL
from tests.selfexplaining.tables import CLASSIFIERS, clouds

KINDS = {
    "prototype": (PrototypeNetwork, {}),
    "matching_euclidean": (MatchingNetwork, {"metric": "euclidean"}),
    "matching_cosine": (MatchingNetwork, {"metric": "cosine"}),
    **{
        f"attention_{attention}_{gate}": (AttentionNetwork, {"attention": attention, "gate": gate})
        for attention in ("shared", "per_class")
        for gate in ("sigmoid", "sparsemax")
    },
}


@pytest.fixture
def joint():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = JointNetwork(encoder=SMALL)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
    return network


@pytest.fixture(scope="module")
def episode():
    return draw_labelled_episode(np.random.default_rng(3), max_support=40, max_classes=4)


def test_each_kind_is_the_network_alone(joint, episode):
    with torch.no_grad():
        told = joint(episode)
        assert set(told) == set(KINDS)
        for kind, (network_class, settings) in KINDS.items():
            alone = network_class(encoder=SMALL, **settings)
            alone.load_state_dict(getattr(joint, kind.split("_")[0]).state_dict())
            torch.testing.assert_close(told[kind], alone(episode))
            torch.testing.assert_close(told[kind].exp().sum(1), torch.ones(len(told[kind])))


def test_all_have_one_encoder(joint):
    assert joint.matching.encoder is joint.attention.encoder is joint.prototype.encoder
    encoders = [name for name, _ in joint.named_parameters() if ".encoder." in name]
    assert all(name.startswith("prototype.") for name in encoders)


def test_objective_is_the_mean_over_networks_of_the_mean_over_kinds(joint, episode):
    with torch.no_grad():
        losses = {k: float(F.nll_loss(v, episode.query_labels)) for k, v in joint(episode).items()}
        loss = float(JointObjective()(joint, episode))
    parts = [
        np.mean([value for kind, value in losses.items() if kind.startswith(name)])
        for name in NETWORKS
    ]
    assert loss == pytest.approx(np.mean(parts), rel=1e-5)


def test_every_parameter_is_trained_and_a_few_steps_lower_the_objective(joint, episode):
    optimizer = torch.optim.Adam(joint.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = JointObjective()(joint, episode)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.05
    assert not [name for name, p in joint.named_parameters() if p.grad is None]


TINY = [
    *("--width", "8", "--minutes", "5", "--steps-per-epoch", "2", "--batch-size", "1"),
    *("--workers", "0", "--validation-tasks", "2", "--evaluation-tasks", "2", "--quiet"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    main(["train-classifiers", "--out-dir", str(folder), "--epochs", "1", *TINY])
    return folder


def test_command_writes_a_file_for_each_classifier(trained):
    X, y = clouds()
    for kind, classifier in zip(NETWORKS, CLASSIFIERS, strict=True):
        path = trained / f"{kind}.safetensors"
        network, record = load_classifier(path, kind)
        assert network.config["encoder"]["width"] == 8
        assert record["steps"] == 2
        json.dumps(record)
        fitted = classifier(pretrained=path, random_state=0).fit(X, y)
        assert np.abs(fitted.explain(X).residual).max() < 1e-9
    encoders = [load_classifier(trained / f"{k}.safetensors", k)[0].encoder for k in NETWORKS]
    for parameters in zip(*(encoder.parameters() for encoder in encoders), strict=True):
        assert torch.equal(parameters[0], parameters[1])
        assert torch.equal(parameters[0], parameters[2])


def test_training_goes_on_from_files(trained, tmp_path):
    # At such a rate nothing moves: what comes out is what went in, whatever --width says.
    still = ["--epochs", "1", "--lr", "1e-12", "--width", "16"]
    main(["train-classifiers", "--out-dir", str(tmp_path), "--init", str(trained), *TINY, *still])
    for kind in NETWORKS:
        before, _ = load_classifier(trained / f"{kind}.safetensors", kind)
        after, record = load_classifier(tmp_path / f"{kind}.safetensors", kind)
        assert record["init"]["steps"] == 2
        assert record["init"]["init"] is None
        assert after.config == before.config
        for old, new in zip(before.parameters(), after.parameters(), strict=True):
            torch.testing.assert_close(old, new, rtol=0, atol=1e-9)


def test_the_shipped_networks_are_of_one_run(tmp_path):
    main(
        [
            "train-classifiers",
            "--out-dir",
            str(tmp_path),
            "--init",
            "default",
            "--epochs",
            "0",
            *TINY,
        ]
    )
    network, record = load_classifier(tmp_path / "matching.safetensors", "matching")
    shipped, _ = load_classifier("default", "matching")
    assert record["steps"] == 0
    for old, new in zip(shipped.parameters(), network.parameters(), strict=True):
        assert torch.equal(old, new)


def test_files_of_unlike_runs_are_refused(trained, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for kind in NETWORKS:
        (mixed / f"{kind}.safetensors").write_bytes((trained / f"{kind}.safetensors").read_bytes())
    network, _ = load_classifier(trained / "matching.safetensors", "matching")
    with torch.no_grad():
        network.encoder.log_caution.add_(0.1)
    save_classifier(mixed / "matching.safetensors", "matching", network, {})
    with pytest.raises(ValueError, match=r"matching\.safetensors has another encoder .* one run"):
        main(["train-classifiers", "--out-dir", str(tmp_path), "--init", str(mixed), *TINY])


def test_accuracies_are_of_each_kind_and_of_guessing(joint):
    found = accuracies(joint, 3)
    assert set(found) == {*KINDS, "largest_class"}
    assert all(0 <= value <= 1 for value in found.values())
