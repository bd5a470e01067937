"""Truth by enumeration, for functions of encoded rows."""

import itertools
import math

import pytest
import torch


def enumerate_by_hand(function, row, background, player_of_column, n_players):
    """Shapley values by their definition, (n_players, ...), for one row."""

    def value(coalition):
        inside = torch.tensor([int(p) in coalition for p in player_of_column])
        inside = inside.view(-1, *(1,) * (row.ndim - 1))
        return function(torch.where(inside, row, background)).mean(0)

    values = []
    for player in range(n_players):
        others = [p for p in range(n_players) if p != player]
        total = 0.0
        for size in range(n_players):
            weight = 1 / (n_players * math.comb(n_players - 1, size))
            for chosen in itertools.combinations(others, size):
                total = total + weight * (value({*chosen, player}) - value(set(chosen)))
        values.append(total)
    return torch.stack(values)


@pytest.fixture(name="enumerate_by_hand")
def _enumerate_by_hand():
    return enumerate_by_hand
