"""Values of a device's tensors that the host knows, as long as they are true."""

import torch

from signkit.data.on_host import is_known, moved, on_both, on_host


def test_known_until_one_of_the_two_is_changed() -> None:
    """On a device without numbers, so that nothing can be read from it."""
    here = torch.tensor([3, 1])
    there = moved(here, "meta")
    twice = on_both(lambda each: 2 * each, there)
    assert on_host(there) is here and on_host(twice).tolist() == [6, 2]
    there.add_(1)
    assert not is_known(there) and is_known(twice)
    again = moved(here, "meta")
    here.add_(1)
    assert not is_known(again) and not is_known(on_both(lambda each: 2 * each, again))


def test_without_counts_of_changes() -> None:
    with torch.inference_mode():
        here = torch.tensor([3, 1])
        assert on_host(moved(here, "meta")) is here
