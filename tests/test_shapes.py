"""The tests check the shapes that signkit's functions annotate."""

import pytest
import torch
from jaxtyping import TypeCheckError

from signkit.data.batch import length_mask


def test_a_wrong_shape_is_an_error() -> None:
    assert length_mask(torch.tensor([1, 2]), 2).tolist() == [[True, False], [True, True]]
    with pytest.raises(TypeCheckError):
        length_mask(torch.tensor([[1, 2]]), 2)
