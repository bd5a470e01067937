"""Training of small networks, compiled: the arithmetic of a step is less than a library's call."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled
from sklearn_metaexplain.shapley._walks import activate, copy, elementwise

_MOMENTUM, _SQUARES, _EPSILON = 0.9, 0.99, 1e-8


@compiled()
def train_networks(
    parameters, units, targets, batches, rates, width, decay, bounded, output_weights
):
    """Train networks with three hidden layers by AdamW, each on batches of its own.

    The loss is the mean over rows and outputs of the squared error, or of the cross-entropy
    times `output_weights`.

    Parameters
    ----------
    parameters : ndarray of float32 of shape (n_networks, n_parameters)
        Of each network, changed in place: the weights of its four layers, (n_in, n_out) each, then
        their biases.
    units : ndarray of float32 of shape (n_rows, n_units)
        What networks read.
    targets : ndarray of float32 of shape (n_rows, n_outputs)
        What they learn; shares from 0 to 1 if `bounded`.
    batches : ndarray of int of shape (n_steps, n_networks, batch_size)
        Rows of each step.
    rates : ndarray of float64 of shape (n_steps,)
        Learning rates.
    width : int
        Units of a hidden layer.
    decay : float
        Weight decay; biases have none.
    bounded : bool
        Whether networks end in a logistic function, and learn by cross-entropy.
    output_weights : ndarray of float32 of shape (n_outputs,)
        Weight of each output's cross-entropy.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, 2019, algorithm 2; Rumelhart,
    Hinton and Williams, Learning representations by back-propagating errors, 1986.
    """
    n_steps, n_networks, batch_size = batches.shape
    n_units, n_outputs = units.shape[1], targets.shape[1]
    ends = (
        n_units * width,
        (n_units + width) * width,
        (n_units + 2 * width) * width,
        (n_units + 2 * width + n_outputs) * width,
    )
    n_weights, n_parameters = ends[3], parameters.shape[1]
    read = np.empty((batch_size, n_units), np.float32)
    hidden = np.empty((8, batch_size, width), np.float32)
    before1, before2, before3 = hidden[0], hidden[1], hidden[2]
    after1, after2, after3 = hidden[3], hidden[4], hidden[5]
    error, other = hidden[6], hidden[7]
    outputs = np.empty((batch_size, n_outputs), np.float32)
    gradient = np.empty(n_parameters, np.float32)
    of_weights, of_biases = gradient[:n_weights], gradient[n_weights:]
    slope1, slope2, slope3, slope4 = _layers(of_weights, ends, n_units, width, n_outputs)
    for member in range(n_networks):
        own = parameters[member]
        weights, biases = own[:n_weights], own[n_weights:]
        layer1, layer2, layer3, layer4 = _layers(weights, ends, n_units, width, n_outputs)
        bias1, bias2, bias3, bias4 = _split(biases, width)
        momentum, squares = np.zeros((2, n_parameters), np.float32)
        left, left_of_squares = 1.0, 1.0
        for step in range(n_steps):
            rows = batches[step, member]
            for r in range(batch_size):
                for i in range(n_units):
                    read[r, i] = units[rows[r], i]
            np.dot(read, layer1, before1)
            copy(before1, after1)
            activate(after1, bias1)
            np.dot(after1, layer2, before2)
            copy(before2, after2)
            activate(after2, bias2)
            np.dot(after2, layer3, before3)
            copy(before3, after3)
            activate(after3, bias3)
            np.dot(after3, layer4, outputs)
            _differentiate_loss(outputs, bias4, targets, rows, bounded, output_weights)
            # Back through the layers: `error` and `other` in turn.
            np.dot(after3.T, outputs, slope4)
            np.dot(outputs, layer4.T, error)
            _differentiate(error, before3, bias3)
            np.dot(after2.T, error, slope3)
            np.dot(error, layer3.T, other)
            _differentiate(other, before2, bias2)
            np.dot(after1.T, other, slope2)
            slope_of_bias1, slope_of_bias2, slope_of_bias3, slope_of_bias4 = _split(
                of_biases, width
            )
            _sum_rows(outputs, slope_of_bias4)
            _sum_rows(error, slope_of_bias3)
            _sum_rows(other, slope_of_bias2)
            np.dot(other, layer2.T, error)
            _differentiate(error, before1, bias1)
            np.dot(read.T, error, slope1)
            _sum_rows(error, slope_of_bias1)
            left *= _MOMENTUM
            left_of_squares *= _SQUARES
            rate = rates[step]
            _shrink(weights, np.float32(1 - rate * decay))
            length = np.float32(rate / (1 - left))
            spread = np.float32((1 - left_of_squares) ** -0.5)
            _move(own, gradient, momentum, squares, length, spread)


@compiled()
def _layers(flat, ends, n_units, width, n_outputs):
    return (
        flat[: ends[0]].reshape(n_units, width),
        flat[ends[0] : ends[1]].reshape(width, width),
        flat[ends[1] : ends[2]].reshape(width, width),
        flat[ends[2] :].reshape(width, n_outputs),
    )


@compiled()
def _split(biases, width):
    return (
        biases[:width],
        biases[width : 2 * width],
        biases[2 * width : 3 * width],
        biases[3 * width :],
    )


@elementwise
def _differentiate_loss(outputs, bias, targets, rows, bounded, output_weights):
    """Outputs of the last layer, before its bias, become the slopes of the loss in them."""
    one, two = np.float32(1), np.float32(2)
    share = np.float32(1 / outputs.size)
    for r in range(outputs.shape[0]):
        for o in range(outputs.shape[1]):
            told = outputs[r, o] + bias[o]
            target = targets[rows[r], o]
            if bounded:
                off = output_weights[o] * (one / (one + np.exp(-told)) - target)
            else:
                off = two * (told - target)
            outputs[r, o] = share * off


@elementwise
def _differentiate(error, before, bias):
    """Multiply by the slope of `activate`, in place."""
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    three = np.float32(3)
    for r in range(error.shape[0]):
        for j in range(error.shape[1]):
            unit = before[r, j] + bias[j]
            slope = unit / three + half
            slope = zero if unit < -three else slope
            slope = one if unit > three else slope
            error[r, j] *= slope


@elementwise
def _sum_rows(values, total):
    total[:] = 0
    for r in range(values.shape[0]):
        for j in range(values.shape[1]):
            total[j] += values[r, j]


@elementwise
def _shrink(weights, kept):
    for i in range(len(weights)):
        weights[i] *= kept


@elementwise
def _move(parameters, gradient, momentum, squares, length, spread):
    """A step of Adam: `length` and `spread` undo that both averages start at zero."""
    fresh, fresh_squares = np.float32(1 - _MOMENTUM), np.float32(1 - _SQUARES)
    old, old_squares = np.float32(_MOMENTUM), np.float32(_SQUARES)
    epsilon = np.float32(_EPSILON)
    for i in range(len(parameters)):
        slope = gradient[i]
        momentum[i] = old * momentum[i] + fresh * slope
        squares[i] = old_squares * squares[i] + fresh_squares * slope * slope
        move = momentum[i] / (np.sqrt(squares[i]) * spread + epsilon)
        parameters[i] -= length * move
