"""Tasks as objects of study: tables with their labels, targets or models."""

from sklearn_metaexplain.tasks._autoencoder import TaskAutoencoder

__all__ = ["TaskAutoencoder"]
