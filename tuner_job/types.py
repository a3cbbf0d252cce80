"""Arrays by what they hold; shapes stand where they are used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Probabilities = NDArray[np.floating[Any]]
"""Of causes (last axis), in the precision in which a model gives them."""
Causes = NDArray[np.integer[Any]]
"""Numbers of causes, 0 … n_classes - 1."""
