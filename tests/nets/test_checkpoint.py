"""Weights files."""

import json
from hashlib import sha256
from importlib.resources import files

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from sklearn_metaexplain.nets._checkpoint import (
    REGISTRY,
    Pretrained,
    load_pretrained,
    save_pretrained,
)
from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork


@pytest.fixture(name="path")
def _path(tmp_path):
    torch.manual_seed(0)
    networks = Pretrained(
        KernelNetwork(width=16, n_layers=1), Corrector(width=16, n_layers=1), {"factor": 2.0}
    )
    save_pretrained(networks, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def rewritten(path, change_tensors=None, change_record=None):
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    record = json.loads(header["__metadata__"]["sklearn_metaexplain"])
    tensors = load(content)
    if change_tensors:
        change_tensors(tensors)
    if change_record:
        change_record(record)
    path.write_bytes(save(tensors, metadata={"sklearn_metaexplain": json.dumps(record)}))


def test_round_trip_and_own_copies(path):
    first, second = load_pretrained(path), load_pretrained(path)
    assert first.calibration == {"factor": 2.0}
    assert first.kernel.config["width"] == 16
    for value, other in zip(first.kernel.parameters(), second.kernel.parameters(), strict=True):
        assert torch.equal(value, other)
        assert value.data_ptr() != other.data_ptr()
        assert not value.requires_grad


def test_loading_draws_no_random_numbers(path):
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    load_pretrained(path)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()


def test_truncated(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights\.safetensors is truncated"):
        load_pretrained(path)


def test_altered(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"weights\.safetensors was altered"):
        load_pretrained(path)


def test_another_architecture(path):
    def wider(record):
        record["networks"]["kernel"]["width"] = 32

    rewritten(path, change_record=wider)
    with pytest.raises(ValueError, match=r"weights\.safetensors holds another architecture"):
        load_pretrained(path)


def test_another_format(path):
    rewritten(path, change_record=lambda record: record.update(format=99))
    with pytest.raises(ValueError, match="format 99"):
        load_pretrained(path)


def test_neither_name_nor_file(tmp_path):
    with pytest.raises(ValueError, match=r"neither a registered name.*default.*nor a file"):
        load_pretrained(tmp_path / "nowhere")


def test_registered_weights_are_what_they_were():
    for filename, expected in REGISTRY.values():
        content = files("sklearn_metaexplain.nets").joinpath("weights", filename).read_bytes()
        assert sha256(content).hexdigest() == expected
        assert len(content) < 3 * 2**20


def test_default_weights_have_all_parts():
    default = load_pretrained("default")
    assert default.corrector is not None
    assert {"task", "row", "quantiles", "quantiles_asked", "usually_taken"} <= set(
        default.calibration
    )
    assert default.training["kernel_steps"] > 0
