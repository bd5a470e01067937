"""Tables to try explainers on: a real one, and made ones with known attributions."""

from sklearn_metaexplain.datasets._pairs import make_interaction, make_switch, make_xor
from sklearn_metaexplain.datasets._penguins import load_penguins
from sklearn_metaexplain.datasets._single import make_additive, make_correlated

__all__ = [
    "load_penguins",
    "make_additive",
    "make_correlated",
    "make_interaction",
    "make_switch",
    "make_xor",
]
