"""The command line, from nothing to weights that explain."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.learners import MAML, learner_record
from sklearn_metaexplain.nets._checkpoint import load_pretrained, save_pretrained
from sklearn_metaexplain.training.__main__ import main

TINY = [
    *("--minutes", "5", "--steps-per-epoch", "2", "--batch-size", "1", "--workers", "0"),
    *("--validation-tasks", "2", "--quiet"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    out = folder / "tiny.safetensors"
    main(["train", "--out", str(out), "--epochs", "1", *TINY])
    return out


def test_weights_have_both_networks_and_their_record(trained):
    pretrained = load_pretrained(trained)
    assert pretrained.corrector is not None
    assert pretrained.training["kernel_steps"] == pretrained.training["corrector_steps"] == 2
    assert pretrained.calibration == {}


def test_explainer_takes_the_file(trained):
    X, y = load_iris(return_X_y=True)
    explainer = MetaExplainer(
        LogisticRegression(), n_support=64, background=8, pretrained=trained, random_state=0
    )
    explanation = explainer.fit(X, y).explain(X[:3])
    assert np.abs(explanation.residual).max() < 1e-6


def test_training_goes_on_where_it_stopped(trained, capsys):
    main(["train", "--out", str(trained.with_name("more.safetensors")), "--epochs", "1", *TINY,
          "--run-dir", str(trained.with_suffix(".run"))])  # fmt: skip
    record = json.loads(capsys.readouterr().out)
    assert record["training"]["kernel_steps"] == 4


@pytest.mark.parametrize(("share", "trained_part"), [("0", "corrector"), ("1", "kernel")])
def test_one_network_may_be_trained_alone(share, trained_part, trained, capsys):
    out = trained.with_name(f"{trained_part}.safetensors")
    main(["train", "--out", str(out), "--init", str(trained), "--kernel-share", share,
          "--lr", "0.01", "--epochs", "2", *TINY])  # fmt: skip
    record = json.loads(capsys.readouterr().out)["training"]
    before, after = load_pretrained(trained), load_pretrained(out)
    for part in ("kernel", "corrector"):
        steps = 4 if part == trained_part else 2
        assert record[f"{part}_steps"] == steps
        if part != trained_part:
            ours, theirs = (getattr(each, part).state_dict() for each in (after, before))
            assert all(ours[name].equal(theirs[name]) for name in theirs)


def test_evaluate_prints_every_part_beside_what_it_replaces(trained, capsys):
    main(["evaluate", "--weights", str(trained), "--tasks", "2", "--n-support", "64"])
    printed = capsys.readouterr().out
    for method in (
        "process, proposed kernel",
        "process, default kernel",
        "process, search kernel",
        "stack, proposed kernel",
        "corrected",
    ):
        assert f"| {method} |" in printed


def test_evaluate_compares_numbers_of_steps_on_tables_with_categories(trained, capsys):
    options = ["--weights", str(trained), "--tasks", "2", "--n-support", "64"]
    printed = []
    for share in ("0", "1"):
        main(["evaluate", *options, "--mixed-share", share, "--n-steps", "0", "14"])
        lines = capsys.readouterr().out.splitlines()
        printed.append({line.split("|")[1].strip(): line for line in lines if "|" in line})
    numbers, mixed = (
        {name: line.split("|")[2:] for name, line in each.items()} for each in printed
    )
    # Of few evaluations there are fourteen.
    assert numbers["process, 14 steps"] == numbers["process, proposed kernel"]
    assert numbers["process, 0 steps"] != numbers["process, 14 steps"]
    assert mixed["process, proposed kernel"] != numbers["process, proposed kernel"]


def test_evaluate_takes_the_inner_steps_that_weights_were_trained_with(trained, capsys):
    stepping = trained.with_name("stepping.safetensors")
    networks = load_pretrained(trained)
    record = {"learner": learner_record(MAML(inner_lr=0.05, n_inner_steps=2))}
    save_pretrained(replace(networks, training=record), stepping)
    printed = []
    for weights in (trained, stepping):
        main(["evaluate", "--weights", str(weights), "--tasks", "2", "--n-support", "64"])
        lines = capsys.readouterr().out.splitlines()
        printed.append({line.split("|")[1].strip(): line for line in lines if "|" in line})
    as_they_are, stepped = printed
    for part in ("process", "stack"):
        kernel = f"{part}, proposed kernel"
        assert stepped[kernel] != as_they_are[kernel]
        kernel = f"{part}, default kernel"
        assert stepped[kernel] == as_they_are[kernel]


@pytest.mark.parametrize(
    ("command", "option", "value", "message"),
    [
        ("train", "--minutes", "0", "must be above 0"),
        ("train", "--lr", "nan", "must be above 0"),
        ("train", "--epochs", "0", "must be at least 1"),
        ("train", "--workers", "-1", "must be at least 0"),
        ("train", "--kernel-share", "1.5", "must be between 0 and 1"),
        ("train", "--batch-size", "many", "invalid"),
        ("train", "--seed", "-1", "must be at least 0"),
        ("train-classifiers", "--seed", "-1", "must be at least 0"),
        # Tasks held out have seeds of their own.
        ("train", "--seed", "999999", "must be below 999999"),
        ("train-classifiers", "--seed", "1000001", "must be below 999999"),
        ("train-autoencoder", "--seed", "1000010", "must be below 999999"),
        ("train-classifiers", "--width", "0", "must be at least 4"),
        ("train-classifiers", "--width", "6", "must be a multiple of 4"),
        ("train-autoencoder", "--seed", "-1", "must be at least 0"),
        ("train-classifiers", "--minutes", "0", "must be above 0"),
        ("train-classifiers", "--validation-tasks", "0", "must be at least 1"),
        ("train-autoencoder", "--epochs", "0", "must be at least 1"),
        ("evaluate", "--tasks", "0", "must be at least 1"),
        # The outputs of one row never vary, and tasks were drawn until some do.
        ("evaluate", "--n-support", "1", "must be at least 2"),
        ("calibrate-logged", "--tasks", "0", "must be at least 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(command, option, value, message, capsys):
    with pytest.raises(SystemExit):
        main([command, option, value])
    told = capsys.readouterr().err
    assert f"argument {option}: " in told
    assert message in told
